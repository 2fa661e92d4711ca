"""What the adapter is trained on and with: questions that do not see each other, and a file that llama.cpp can read."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import COMMENT, DOHA, INVESTED, MET, evidence_of
from hypothesis import given
from hypothesis import strategies as st
from squads import PARAGRAPHS, squad_file

from evals import adapter_cases, train_adapter
from evals.adapter_cases import Asked, Case
from evals.train_adapter import Packed, packed, packed_looks
from index.errors import InputError
from qa import kinds, prompt
from qa.abstain import Verdict

GOLDS = {question: answer for asked in PARAGRAPHS.values() for question, answer in asked}


def encode(text: str) -> list[int]:
    """A token for each character, and one for the end of a turn."""
    return [ord(one) for one in text.replace(train_adapter.END, "\0")]


def words(tokens: list[int]) -> str:
    return "".join(map(chr, tokens)).replace("\0", train_adapter.END)


def case(*asked: Asked) -> Case:
    return Case("squad-0", "Doha\n[1] Mittal met him.\n\n", evidence_of(DOHA, MET, INVESTED), asked)


some_asked = st.lists(
    st.builds(Asked, st.just("other"), st.text("ab? ", min_size=1, max_size=9), st.integers(0, 12)),
    min_size=1,
    max_size=4,
)


@given(some_asked, st.text("xyz. ", max_size=9))
def test_each_question_goes_on_from_what_is_shown(asked: list[Asked], text: str) -> None:
    made = packed(case(*asked), encode, dict.fromkeys(asked, text))
    shown = f"{train_adapter.before(prompt.system(mark_first=True))}Doha\n[1] Mittal met him.\n\n"
    assert len(made.tokens) == len(made.positions) == len(made.pieces)
    for number, one in enumerate(asked, start=1):
        alone = [at for at, piece in enumerate(made.pieces) if piece in (0, number)]
        assert [made.positions[at] for at in alone] == list(range(len(alone)))
        answer = f"[{one.label}]{f' {text}<|im_end|>' if text else ''}" if one.label else "NOT STATED<|im_end|>"
        asks = f"{prompt.render(one.question, ()).user}<|im_end|>\n<|im_start|>assistant\n"
        assert words([made.tokens[at] for at in alone]) == f"{shown}{asks}{answer}"


def explained() -> Case:
    """A reason that two sentences tell, and a question that none does."""
    shown = evidence_of(DOHA, MET, COMMENT, INVESTED)
    asked = (
        Asked("written", "Why did they meet?", 2, "", (1,)),
        Asked("written, not told", "who paid for the comment", 0),
    )
    return Case("wire-01", adapter_cases.shown(shown), shown, asked)


@pytest.mark.parametrize("beside", [0.0, 1.0])
def test_a_closer_look_is_at_a_sentence_or_at_it_with_its_neighbours(
    beside: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter_cases, "LOOKED_WITH_BESIDE", beside)
    monkeypatch.setattr(adapter_cases, "LOOKED_AT_OTHERS", 1.0)
    looks = list(adapter_cases.looks(explained(), random.Random(0)))
    reasons = [one for one in looks if one.asked.question.startswith("Why")]
    seen = [[text for text in (MET, COMMENT, INVESTED) if prompt.defused(text) in one.shown] for one in reasons]
    if beside:
        told = {(MET, COMMENT): (2, (1,)), (MET, COMMENT, INVESTED): (2, (1,)), (COMMENT, INVESTED): (1, ())}
    else:
        told = {(MET,): (1, ()), (COMMENT,): (1, ()), (INVESTED,): (0, ())}
    assert [(one.asked.label, one.asked.also) for one in reasons] == [told[tuple(texts)] for texts in seen]
    assert len(reasons) == 3
    [other] = [one for one in looks if one not in reasons]
    assert other.asked.label == 0
    assert prompt.defused(COMMENT) in other.shown  # it has the question's words
    assert {one.asked.way for one in looks} == {"written, looked at", "written, not told, looked at"}


def test_a_sentence_that_has_the_answer_too_is_no_case_of_one_without_it() -> None:
    asked = Asked("answered", "Where did they meet?", 1, "Taliban")
    case = Case("squad-7", "", evidence_of(DOHA, MET, COMMENT), (asked,))
    looks = [look for seed in range(20) for look in adapter_cases.looks(case, random.Random(seed))]
    assert [look.asked.label for look in looks] == [1] * 20


def test_closer_looks_see_nothing_of_each_other() -> None:
    looks = list(adapter_cases.looks(explained(), random.Random(1)))
    made = packed_looks(looks, encode)
    begin = train_adapter.before(prompt.system(mark_first=True))
    for number, look in enumerate(looks, start=1):
        alone = [at for at, piece in enumerate(made.pieces) if piece in (0, number)]
        assert [made.positions[at] for at in alone] == list(range(len(alone)))
        asks = f"{look.shown}{prompt.render(look.asked.question, ()).user}<|im_end|>\n<|im_start|>assistant\n"
        marks = "".join(f"[{label}]" for label in (look.asked.label, *look.asked.also))
        assert words([made.tokens[at] for at in alone]) == begin + asks + (
            marks if look.asked.label else "NOT STATED<|im_end|>"
        )
    assert [one.begins for one in made.targets if one.begins] == [look.asked for look in looks]


@pytest.mark.parametrize(
    ("verdict", "told"), [("Yes", " Yes<|im_end|>"), ("No", " No<|im_end|>"), (None, "<|im_end|>")]
)
def test_what_the_sentence_says_to_yes_or_no_stands_after_its_number(verdict: Verdict | None, told: str) -> None:
    asked = Asked("settled", "Did Mittal meet him?", 1, verdict=verdict)
    made = packed(case(asked, replace(asked, label=0)), encode, {})
    piece = [at for at, number in enumerate(made.pieces) if number == 1]
    assert words([made.tokens[at] for at in piece]).endswith(f"assistant\n[1]{told}")
    weights = [one.weight for one in made.targets if made.pieces[one.at] == 1]
    assert weights[:4] == [1.0] * 4
    assert words([made.tokens[at] for at, number in enumerate(made.pieces) if number == 2]).endswith(
        "NOT STATED<|im_end|>"
    )


def test_looks_are_drawn_of_every_case_and_read_some_at_a_time() -> None:
    rows = train_adapter.looked_at([explained()] * 20, encode, seed=3)
    many = [max(row.pieces) for row in rows]
    assert set(many[:-1]) == {train_adapter.LOOKS_TOGETHER}
    assert 20 <= sum(many) <= 20 * train_adapter.LOOKS_OF_A_CASE
    assert rows == train_adapter.looked_at([explained()] * 20, encode, seed=3)


@given(some_asked)
def test_a_target_is_the_token_after_its_place(asked: list[Asked]) -> None:
    made = packed(case(*asked), encode, {})
    assert all(made.tokens[one.at + 1] == one.token for one in made.targets)
    assert all(made.pieces[one.at] == made.pieces[one.at + 1] > 0 for one in made.targets)
    assert [one.begins for one in made.targets if one.begins] == asked
    assert all(one.weight == 1 for one in made.targets if one.begins)


@pytest.fixture(scope="module")
def tiny() -> Any:  # noqa: ANN401
    return tiny_model()


def tiny_model() -> Any:  # noqa: ANN401
    """A model of the same kind with random weights."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": train_adapter.FIRST_LAYER + 2}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 300}
    return Qwen2ForCausalLM(Qwen2Config(**sizes, **heads)).eval().requires_grad_(requires_grad=False)


def small(text: str) -> list[int]:
    return [token % 300 for token in encode(text)]


def test_questions_that_are_read_together_do_not_see_each_other(tiny: Any) -> None:  # noqa: ANN401
    asked = [Asked("other", "who met?", 1), Asked("other", "who paid for it?", 0), Asked("other", "when?", 2)]
    together = train_adapter.logits(tiny, packed(case(*asked), small, {}))
    alone = [train_adapter.logits(tiny, packed(case(one), small, {})) for one in asked]
    assert np.abs(together.numpy() - np.concatenate([one.numpy() for one in alone])).max() < 1e-4


def test_an_adapter_learns_and_is_written_as_llama_cpp_reads_it(tiny: Any, tmp_path: Path) -> None:  # noqa: ANN401
    from gguf import GGUFReader

    asked = [Asked("answered", "who met?", 1), Asked("wrong name", "who rained?", 0)]
    rows: list[Packed] = [packed(case(*asked), small, {})] * 200
    before = train_adapter.logits(tiny, rows[0]).numpy()
    made = train_adapter.adapted(tiny, seed=0)
    assert np.array_equal(train_adapter.logits(tiny, rows[0]).detach().numpy(), before)  # it begins as nothing
    kept: list[float] = []
    train_adapter.train(tiny, made.values(), rows, minutes=5, keep=lambda: kept.append(1.0))
    assert len(kept) == 200 // train_adapter.TOGETHER // train_adapter.STEPS_KEPT
    after = train_adapter.logits(tiny, rows[0]).detach().numpy()
    for at, target in enumerate(rows[0].targets):
        if target.begins:
            assert after[at, target.token] > before[at, target.token]
    assert "AUROC" in train_adapter.measure(tiny, rows[:1], small)

    file = tmp_path / "made.lora.gguf"
    train_adapter.write(made, file)
    read = GGUFReader(file)
    told = {key: read.fields[key].contents() for key in ("general.type", "adapter.type", "adapter.lora.alpha")}
    assert told == {"general.type": "adapter", "adapter.type": "lora", "adapter.lora.alpha": train_adapter.ALPHA}
    found = {one.name: one.data for one in read.tensors}
    assert found.keys() == {f"{name}.lora_{part}" for name in made for part in "ab"}
    assert "blk.6.attn_q.weight.lora_a" in found
    assert "blk.5.attn_q.weight.lora_a" not in found
    for name, one in made.items():
        for part in "ab":
            assert np.allclose(found[f"{name}.lora_{part}"], getattr(one, part).detach().numpy(), atol=1e-3)

    again = train_adapter.adapted(tiny_model(), seed=1)  # training can go on from it
    train_adapter.read(again, file)
    for name, one in made.items():
        assert np.allclose(again[name].b.detach().numpy(), one.b.detach().numpy(), atol=1e-3)
    begun = {name: (one.a.detach() * 0, one.b.detach() * 0) for name, one in again.items()}
    train_adapter.blend(again, begun, 0.25)
    for name, one in made.items():
        assert np.allclose(again[name].b.detach().numpy(), one.b.detach().numpy() / 4, atol=1e-3)
    with pytest.raises(InputError, match="--begin"):
        train_adapter.read(again, tmp_path / "other.gguf")
    train_adapter.write({"other": next(iter(made.values()))}, tmp_path / "other.gguf")
    with pytest.raises(InputError, match=r"other\.gguf"):
        train_adapter.read(again, tmp_path / "other.gguf")


def test_the_cases_are_what_the_product_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for share in ("LOWERED", "CLIPPED", "LEFT_OUT", "SEARCHED_AS_YES_OR_NO", "SEARCHED_AS_LIST"):
        monkeypatch.setattr(adapter_cases, share, 0.0)
    monkeypatch.setattr(adapter_cases, "ASKED_FOR_YES", 1.0)
    articles = adapter_cases.read_articles(squad_file(tmp_path / "train.json"), 3, seed=0)
    found = list(adapter_cases.cases(articles, tmp_path / "library", seed=0))
    assert len(found) == len(GOLDS)
    ways = {one.way for made in found for one in made.asked}
    assert {"answered", "other", "wrong name", "answered, yes", "manner"} <= ways
    for made in found:
        assert made.shown == prompt.render("", made.evidence).user.rpartition("Question:")[0]
        for one in made.asked:
            assert (one.label > 0) is (one.way.partition(",")[0] in {"answered", "other"})
            if one.way.endswith(", yes"):
                assert kinds.kind(one.question) == "yes-no"
            assert one.verdict == ("Yes" if one.label and kinds.kind(one.question) == "yes-no" else None)
            if one.way in {"answered", "other"}:
                assert one.answer == GOLDS[one.question]
                assert one.answer in made.evidence[one.label - 1].text
            elif not one.label:
                assert one.question not in GOLDS or GOLDS[one.question] not in made.shown


def test_squads_sentences_settle_yes_and_no(monkeypatch: pytest.MonkeyPatch) -> None:
    for share in ("LOWERED", "CLIPPED", "DATED"):
        monkeypatch.setattr(adapter_cases, share, 0.0)
    text = "Ada Brink opened a mill in 1931. It burned down in 1950."
    asked = (("When did Ada Brink open a mill?", "1931"), ("When did the mill burn down?", "1950"))
    questions = [{"question": q, "answers": [{"text": a, "answer_start": text.index(a)}]} for q, a in asked]
    article = {"title": "Holm", "paragraphs": [{"context": text, "qas": questions}]}
    looks = list(adapter_cases.settled([article], seed=0))
    first, second = (f"Holm\n[1] {one}\n\n" for one in ("Ada Brink opened a mill in 1931.", "It burned down in 1950."))
    assert [(look.shown, look.asked.question, look.asked.verdict) for look in looks] == [
        (first, "Did Ada Brink open a mill in 1931?", "Yes"),
        (first, "Did Ada Brink open a mill in 1950?", "No"),
        (second, "Did the mill burn down in 1950?", "Yes"),
        (second, "Did the mill burn down in 1931?", "No"),
    ]
    assert {look.asked.label for look in looks} == {1}


def test_the_sentence_that_answers_can_be_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter_cases, "LEFT_OUT", 1.0)
    articles = adapter_cases.read_articles(squad_file(tmp_path / "train.json"), 3, seed=0)
    found = list(adapter_cases.cases(articles, tmp_path / "library", seed=0))
    assert "missing" in {one.way for made in found for one in made.asked}
    for made in found:
        assert [e.label for e in made.evidence] == list(range(1, len(made.evidence) + 1))
        assert "answered" not in {one.way for one in made.asked}


def test_another_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "train.json"
    for text in ("[]", "{", '{"data": [{"title": 1}]}'):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=r"train\.json: not a file of SQuAD 1\.1"):
            adapter_cases.read_articles(file, 1, seed=0)
    call = ["--squad", str(tmp_path / "none.json"), "--out", str(tmp_path / "a.gguf")]
    assert train_adapter.main(call) == 2
    assert train_adapter.main([*call, "--articles", "9"]) == 2
    assert train_adapter.main([*call[:2], "--out", str(tmp_path / "none" / "a.gguf")]) == 2
    assert train_adapter.main([*call, "--blend", "1.5"]) == 2
    said = capsys.readouterr().err
    assert "none.json: not a file of SQuAD 1.1" in said
    assert "--articles 9: more than 10 are needed" in said
    assert "its folder is not there" in said
    assert "--blend 1.5: a share is from 0 to 1" in said


def test_the_layers_of_the_file_have_their_names_in_transformers() -> None:
    names = {
        "token_embd.weight": "model.embed_tokens.weight",
        "output.weight": "lm_head.weight",
        "blk.3.attn_q.bias": "model.layers.3.self_attn.q_proj.bias",
        "blk.11.ffn_down.weight": "model.layers.11.mlp.down_proj.weight",
        "blk.0.ffn_norm.weight": "model.layers.0.post_attention_layernorm.weight",
    }
    assert {one: train_adapter._name(one) for one in names} == names


def test_short_answers_are_those_that_pass_the_gate() -> None:
    right = Asked("answered", "Who invested in Afghanistan?", 2, "India")
    wrong = Asked("answered", "Who invaded Afghanistan?", 1, "Mittal")
    none = Asked("wrong name", "Who invested in Iran?", 0)
    assert train_adapter.short_answers([case(right, wrong, none)], 5) == {right: "India invested in Afghanistan."}
