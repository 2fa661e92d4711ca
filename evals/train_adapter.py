"""Train the embedded model's adapter: `python -m evals.train_adapter --squad train-v1.1.json --out FILE.lora.gguf`.

A LoRA (Hu et al., ICLR 2022) on the attention of the pinned model, which teaches it one thing: to begin with the number of the
sentence that answers, or with the refusal where none does (`evals.adapter_cases`, `evals.written_cases`), also where it is shown
one sentence by itself, as the product asks where it is unsure (`evals.adapter_cases.looks`); and to say after the number what
that sentence says to a question for yes or no. The weights below it
are the file's own, 4 bits and all, so it fits what runs (Dettmers et al., NeurIPS 2023). Questions on the same sentences are
read in one go: each sees the sentences and itself, and no other question. A few short answers keep up a way of writing: in the
question's own words (`evals.question_forms`), where the gate lets them pass.

The searches for five of SQuAD's articles and for some of the written documents are held out, and the figures on them are
printed: AUROC of "answers", and how often the right sentence is named.

Needs torch, transformers and gguf (`pip install article-qa[sentence-transformers,training]`), 12 GB of memory, and a processor
that multiplies bfloat16 (about an hour on two such cores; many hours on others) or a graphics card (`--device cuda`: two
cores search three times a second, for all of it about an hour; the training took 3 minutes on an H100).

Exit status: 0 done; 1 a failure; 2 a wrong call or file; 130 stopped.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any, cast

import numpy as np

from evals import adapter_cases, question_forms, stats, written_cases
from evals.adapter_cases import Asked, Case, Look, read_articles
from evals.run import exit_status, positive, say
from index import embed, weights
from index.errors import ConfigError, InputError
from qa import kinds
from qa.llm import EMBEDDED
from qa.parse import REFUSAL
from qa.prompt import render, system
from qa.types import Draft
from qa.verify import Gate

RANK, ALPHA = 16, 32.0
FIRST_LAYER = 6  # those below stay as they are: what a word means is settled there
PARTS = {"q_proj": "attn_q", "k_proj": "attn_k", "v_proj": "attn_v", "o_proj": "attn_output"}
OTHER_PARTS = {
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
RATE = 2e-4
TOGETHER = 4  # cases a step
WARM_STEPS = 20
STEPS_KEPT = 50  # the file is written so often: what is killed has lost no hour
HELD_OUT = 5  # articles of SQuAD
LOOKS_OF_A_CASE = 6  # closer looks at what a search shows, at most
LOOKS_TOGETHER = 9  # of them are read in one go
SETTLED = 220  # looks at SQuAD's sentences that say yes, and as many at those that say no
REST_OF_REFUSAL = 0.1  # what its later tokens count beside the first
WRITTEN = 0.75  # what a whole short answer counts beside its mark
END = "<|im_end|>"


@dataclass(frozen=True, slots=True)
class Target:
    """A token that the model is to write."""

    at: int  # position of the token before it
    token: int
    weight: float
    begins: Asked | None  # the question whose answer it begins; None for any later token


@dataclass(frozen=True, slots=True)
class Packed:
    """A case as one sequence: what is shown, then each question with its answer."""

    tokens: list[int]
    positions: list[int]  # each question goes on from what is shown
    pieces: list[int]  # the number of the question that a token belongs to; 0 for what is shown
    targets: list[Target]

    @classmethod
    def begun(cls, tokens: list[int]) -> Packed:
        """Return one that shows these tokens, with no question to them yet."""
        return cls(tokens, list(range(len(tokens))), [0] * len(tokens), [])

    def ask(self, question: list[int], asked: Asked, answer: tuple[list[int], list[float]]) -> None:
        """Add a question and its answer, a token and a weight each, as if it stood right after what is shown."""
        wanted, counts = answer
        shown, number = self.pieces.count(0), self.pieces[-1] + 1
        begin = len(self.tokens) + len(question) - 1
        self.targets.extend(
            Target(begin + at, token, weight, None if at else asked)
            for at, (token, weight) in enumerate(zip(wanted, counts, strict=True))
        )
        self.positions.extend(range(shown, shown + len(question) + len(wanted)))
        self.pieces.extend([number] * (len(question) + len(wanted)))
        self.tokens.extend(question + wanted)


def before(instructions: str) -> str:
    """Return what stands before the shown sentences, in the model's own template."""
    return f"<|im_start|>system\n{instructions}{END}\n<|im_start|>user\n"


def _put(asked: Asked) -> str:
    """What stands between the shown sentences and the answer."""
    return f"{render(asked.question, ()).user}{END}\n<|im_start|>assistant\n"


def packed(case: Case, encode: Callable[[str], list[int]], texts: Mapping[Asked, str]) -> Packed:
    """Return the case as tokens; `texts` has the short answers of some of its questions."""
    made = Packed.begun(encode(before(system(mark_first=True))) + encode(case.shown))
    for asked in case.asked:
        made.ask(encode(_put(asked)), asked, _answer(asked, encode, texts.get(asked, "")))
    return made


def packed_looks(looks: Sequence[Look], encode: Callable[[str], list[int]]) -> Packed:
    """Return closer looks as tokens; each sees the instructions and itself."""
    made = Packed.begun(encode(before(system(mark_first=True))))
    for look in looks:
        made.ask(encode(look.shown + _put(look.asked)), look.asked, _answer(look.asked, encode, ""))
    return made


def looked_at(found: Sequence[Case], encode: Callable[[str], list[int]], *, seed: int) -> list[Packed]:
    """Return closer looks at what the searches show, LOOKS_TOGETHER a row."""
    random_ = random.Random(seed)
    looks = [look for case in found for look in islice(adapter_cases.looks(case, random_), LOOKS_OF_A_CASE)]
    random_.shuffle(looks)
    return in_rows(looks, encode)


def in_rows(looks: Sequence[Look], encode: Callable[[str], list[int]]) -> list[Packed]:
    """Return closer looks, LOOKS_TOGETHER a row."""
    return [packed_looks(looks[at : at + LOOKS_TOGETHER], encode) for at in range(0, len(looks), LOOKS_TOGETHER)]


def settled(
    articles: Sequence[Mapping[str, Any]], documents: Sequence[written_cases.Document], *, seed: int
) -> list[Look]:
    """Return closer looks that tell yes from no: all of the documents', with what leaves it open, and SETTLED each of SQuAD's."""
    random_ = random.Random(seed)
    looks = list(adapter_cases.settled(articles, seed=seed))
    found = list(written_cases.settled(documents))
    for verdict in ("Yes", "No"):
        some = [look for look in looks if look.asked.verdict == verdict]
        found += random_.sample(some, min(SETTLED, len(some)))
    random_.shuffle(found)
    return found


def _answer(asked: Asked, encode: Callable[[str], list[int]], text: str) -> tuple[list[int], list[float]]:
    """What is to be written, and what each token of it counts."""
    if not asked.label:
        tokens = encode(f"{REFUSAL}{END}")
        return tokens, [1.0] + [REST_OF_REFUSAL] * (len(tokens) - 1)
    marks = "".join(f"[{label}]" for label in (asked.label, *asked.also))
    mark = encode(marks)
    if kinds.kind(asked.question) == "yes-no":
        told = encode(f" {asked.verdict}{END}" if asked.verdict else END)
        return mark + told, [1.0] * (len(mark) + 1) + [REST_OF_REFUSAL] * (len(told) - 1)
    rest = encode(f" {text}{END}") if text else []
    return mark + rest, [1.0] * len(mark) + [WRITTEN / max(1, len(rest))] * len(rest)


def published() -> tuple[Any, Any]:
    """Return the tokenizer and the pinned model, its weights made bfloat16 from the GGUF file."""
    import torch
    from gguf import GGUFReader
    from gguf.quants import dequantize
    from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

    file = weights.path(EMBEDDED) / "model.gguf"
    tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    reader = GGUFReader(file)
    state = {
        _name(one.name): torch.from_numpy(np.array(dequantize(one.data, one.tensor_type))).to(torch.bfloat16)
        for one in reader.tensors
    }

    def told(key: str) -> Any:  # noqa: ANN401 (a number)
        return reader.fields[f"qwen2.{key}"].contents()

    config = Qwen2Config(
        hidden_size=told("embedding_length"),
        intermediate_size=told("feed_forward_length"),
        num_hidden_layers=told("block_count"),
        num_attention_heads=told("attention.head_count"),
        num_key_value_heads=told("attention.head_count_kv"),
        rms_norm_eps=told("attention.layer_norm_rms_epsilon"),
        rope_parameters={"rope_type": "default", "rope_theta": told("rope.freq_base")},
        max_position_embeddings=told("context_length"),
        vocab_size=len(state["model.embed_tokens.weight"]),
        tie_word_embeddings="lm_head.weight" not in state,
        attn_implementation="sdpa",
    )
    with torch.device("meta"):
        model = Qwen2ForCausalLM(config)
    model.load_state_dict(state, strict=False, assign=True)
    model.tie_weights()
    model = model.to(torch.bfloat16)
    # Its table is in no file, and stays float32: bfloat16 makes 0.8047 of 0.8058 radians a token, a whole one off at token 900.
    model.model.rotary_emb = type(model.model.rotary_emb)(config)
    return tokenizer, model.eval().requires_grad_(requires_grad=False)


def _name(tensor: str) -> str:
    """The name of a tensor of a GGUF file in transformers."""
    whole = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
    theirs, kind = tensor.rsplit(".", 1)
    if theirs in whole:
        return f"{whole[theirs]}.{kind}"
    _, layer, part = theirs.split(".")
    ours = {**{g: f"self_attn.{t}" for t, g in PARTS.items()}, **{g: t for t, g in OTHER_PARTS.items()}}
    return f"model.layers.{layer}.{ours[part]}.{kind}"


def adapted(model: Any, *, seed: int) -> dict[str, Any]:  # noqa: ANN401 (a transformers model)
    """Put an adapter around the attention's projections; returns them by their tensors' names in GGUF."""
    import torch
    from torch import nn
    from torch.nn import functional

    class Adapted(nn.Module):
        def __init__(self, inner: nn.Linear) -> None:
            super().__init__()
            self.inner = inner
            place = inner.weight.device
            self.a = nn.Parameter(torch.randn(RANK, inner.in_features).to(place) / math.sqrt(inner.in_features))
            self.b = nn.Parameter(torch.zeros(inner.out_features, RANK, device=place))

        def forward(self, states: torch.Tensor) -> torch.Tensor:
            low = functional.linear(states, self.a.to(states.dtype))
            more = functional.linear(low, self.b.to(states.dtype)) * (ALPHA / RANK)
            return cast("torch.Tensor", self.inner(states) + more)

    torch.manual_seed(seed)
    made = {}
    for number, layer in enumerate(model.model.layers):
        for theirs, part in PARTS.items() if number >= FIRST_LAYER else ():
            made[f"blk.{number}.{part}.weight"] = one = Adapted(getattr(layer.self_attn, theirs))
            setattr(layer.self_attn, theirs, one)
    return made


def logits(model: Any, one: Packed) -> Any:  # noqa: ANN401
    """Return the logits of every token at each target's place: float (targets, vocabulary)."""
    import torch

    def there(numbers: Sequence[Any]) -> Any:  # noqa: ANN401
        return torch.tensor(numbers, device=model.device)

    piece = there(one.pieces)
    seen = (piece[None, :] == 0) | (piece[None, :] == piece[:, None])
    seen = seen.tril()
    mask = torch.zeros(1, 1, *seen.shape, dtype=model.dtype, device=model.device)
    states = model.model(
        input_ids=there([one.tokens]),
        position_ids=there([one.positions]),
        attention_mask=mask.masked_fill(~seen, torch.finfo(model.dtype).min),
        use_cache=False,
    ).last_hidden_state[0]
    return model.lm_head(states[there([target.at for target in one.targets])]).float()


def train(
    model: Any,  # noqa: ANN401
    made: Iterable[Any],
    rows: Sequence[Packed],
    *,
    minutes: float,
    keep: Callable[[], None] = lambda: None,
) -> None:
    """Train the adapters `made` on the rows, once, or as many as there are minutes for; `keep` is called now and then."""
    import torch
    from torch.nn import attention, functional

    parameters = [parameter for one in made for parameter in (one.a, one.b)]
    # On a card the fused kinds of attention gave NaN under this mask after some steps.
    on_cpu = model.device.type == "cpu"
    exact = nullcontext if on_cpu else partial(attention.sdpa_kernel, attention.SDPBackend.MATH)
    optimizer = torch.optim.AdamW(parameters, lr=RATE, weight_decay=0.0, betas=(0.9, 0.98))
    begun, lost = time.monotonic(), 0.0
    steps = max(1, len(rows) // TOGETHER)
    for step in range(steps):
        done = max(step / steps, (time.monotonic() - begun) / (minutes * 60))
        if done >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1.0, (step + 1) / WARM_STEPS) * max(0.03, 1 - done)
        optimizer.zero_grad()
        begins = []
        for row in rows[step * TOGETHER : (step + 1) * TOGETHER]:
            wanted = torch.tensor([target.token for target in row.targets], device=model.device)
            counts = torch.tensor([target.weight for target in row.targets], device=model.device)
            with exact():
                each = functional.cross_entropy(logits(model, row), wanted, reduction="none")
                ((each * counts).sum() / max(row.pieces) / TOGETHER).backward()  # type: ignore[no-untyped-call]
            begins += [loss for loss, target in zip(each.tolist(), row.targets, strict=True) if target.begins]
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        lost = 0.9 * lost + 0.1 * float(np.mean(begins)) if step else float(np.mean(begins))
        if step % 10 == 9:
            say(f"step {step + 1} of {steps}: first tokens {lost:.3f}, {time.monotonic() - begun:.0f} s")
        if step % STEPS_KEPT == STEPS_KEPT - 1:
            keep()


def measure(model: Any, rows: Iterable[Packed], encode: Callable[[str], list[int]]) -> str:  # noqa: ANN401
    """Return the figures on held-out rows, as a line."""
    import torch

    mark, refusal = encode("[")[0], encode(REFUSAL)[0]
    yes, no = encode(" Yes")[0], encode(" No")[0]
    told: dict[str, list[tuple[float, bool, bool]]] = {name: [] for name in ("all", "yes or no", "lists")}
    verdicts = []
    for row in rows:
        with torch.no_grad():
            found = logits(model, row)
        for at, target in enumerate(row.targets):
            if target.token in (yes, no):
                verdicts.append((found[at, yes] > found[at, no]) == (target.token == yes))
            if target.begins is None:
                continue
            leaning, label = float(found[at, mark] - found[at, refusal]), target.begins.label
            right = bool(label) and int(found[at + 1].argmax()) == row.targets[at + 1].token
            for name in ("all", {"yes-no": "yes or no", "several": "lists"}.get(kinds.kind(target.begins.question))):
                if name:
                    told[name].append((leaning, label > 0, right))
    figures = [f"{name}: {_figures(some)}" for name, some in told.items()]
    if verdicts:
        figures.append(f"yes told from no: {np.mean(verdicts):.3f} of {len(verdicts)}")
    return "held out " + "; ".join(figures)


def _figures(told: Sequence[tuple[float, bool, bool]]) -> str:
    leanings, answered = np.array([one[0] for one in told]), np.array([one[1] for one in told], dtype=bool)
    worth = stats.auroc(leanings, answered) if len(told) else None
    rights = [right for _, there, right in told if there]
    return (
        f"{len(told)}, AUROC {math.nan if worth is None else worth:.3f},"
        f" right sentence {np.mean(rights) if rights else math.nan:.3f}"
    )


def short_answers(found: Sequence[Case], many: int) -> dict[Asked, str]:
    """Return short answers in the question's own words to up to `many` of the questions: those that pass the gate."""
    jobs = [(case, asked) for case in found for asked in case.asked if asked.label and asked.answer]
    meaning = embed.embedder().query
    texts: dict[Asked, str] = {}
    for case, asked in random.Random(many).sample(jobs, len(jobs)):  # all over the training, not at its beginning
        text = question_forms.statement(asked.question, asked.answer)
        if text is None or len(texts) == many:
            continue
        sentence = case.evidence[asked.label - 1]
        gate = Gate(asked.question, [sentence], floor=0.5, embed=meaning, large=False)
        if gate.check(Draft(text, (sentence.label,))).citations:
            texts[asked] = text
    say(f"{len(texts)} short answers")
    return texts


def write(made: Mapping[str, Any], path: Path) -> None:
    """Write the adapters as llama.cpp reads them: for each tensor lora_a (RANK, in) and lora_b (out, RANK), float16."""
    from gguf import GGUFWriter

    writer = GGUFWriter(str(path), "qwen2")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", ALPHA)
    for name, one in made.items():
        for part in ("a", "b"):
            values = getattr(one, part).detach().cpu().numpy().astype(np.float16)
            writer.add_tensor(f"{name}.lora_{part}", values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def read(made: Mapping[str, Any], path: Path) -> None:
    """Read what `write` wrote into the adapters.

    Raises:
        InputError: the file is not there, or is no adapter of this shape.
    """
    import torch
    from gguf import GGUFReader

    try:
        found = {one.name: np.array(one.data) for one in GGUFReader(path).tensors}
        for name, one in made.items():
            for part in ("a", "b"):
                getattr(one, part).data.copy_(torch.from_numpy(found[f"{name}.lora_{part}"]))
    except (OSError, ValueError, KeyError, RuntimeError) as exc:
        raise InputError(f"--begin {path}: no adapter that this command wrote ({exc!r})") from exc


def blend(made: Mapping[str, Any], begun: Mapping[str, tuple[Any, Any]], share: float) -> None:
    """Set the adapters to `share` of what they are, and the rest of what they were when it began.

    The mean of the weights before and after a training on something new is often better on both than either (Wortsman et al.,
    CVPR 2022).
    """
    for name, one in made.items():
        for now, earlier in zip((one.a, one.b), begun[name], strict=True):
            now.data.mul_(share).add_(earlier, alpha=1 - share)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m evals.train_adapter", description="Train the model's adapter.")
    add = parser.add_argument
    add("--squad", type=Path, required=True, metavar="FILE", help="train-v1.1.json of SQuAD 1.1")
    add("--out", type=Path, required=True, metavar="FILE", help="the GGUF file to write")
    add("--articles", type=positive, default=120, metavar="N", help="of 442, to search in (default: %(default)s)")
    add(
        "--cases", type=positive, default=1_350, metavar="N", help="searches, of some five questions each (%(default)s)"
    )
    add("--written", type=Path, default=written_cases.TAUGHT, metavar="DIR", help="documents (default: %(default)s)")
    add("--texts", type=positive, default=300, metavar="N", help="short answers at most (default: %(default)s)")
    add("--begin", type=Path, metavar="FILE", help="an adapter (GGUF) to go on from")
    add(
        "--blend",
        type=float,
        default=1.0,
        metavar="S",
        help="share of what was learnt since --begin that is kept, 0 to 1",
    )
    add("--minutes", type=positive, default=600, metavar="M", help="train for so long at most (default: %(default)s)")
    add("--device", default="cpu", metavar="D", help="as torch names it, such as cuda (default: %(default)s)")
    add("--seed", type=int, default=0, metavar="S")
    args = parser.parse_args(argv)
    return exit_status(lambda: _train(args), out=None)


def _needs(*names: str) -> None:
    """Raise ConfigError if a library is missing: before the hours, not after them."""
    for name in names:
        if find_spec(name) is None:
            raise ConfigError(
                f"{name} is missing: pip install -c constraints.txt -e '.[sentence-transformers,training]'"
            )


def _train(args: argparse.Namespace) -> int:
    if args.articles <= 2 * HELD_OUT:
        raise InputError(f"--articles {args.articles}: more than {2 * HELD_OUT} are needed, as {HELD_OUT} are held out")
    if not 0 <= args.blend <= 1:
        raise InputError(f"--blend {args.blend}: a share is from 0 to 1")
    if not args.out.absolute().parent.is_dir():
        raise InputError(f"--out {args.out}: its folder is not there; make it first")
    _needs("gguf", "torch", "transformers")
    articles = read_articles(args.squad, args.articles, seed=args.seed)
    documents = written_cases.read_documents(args.written)
    with tempfile.TemporaryDirectory() as folder:
        found = list(islice(adapter_cases.cases(articles, Path(folder), seed=args.seed), args.cases))
    with tempfile.TemporaryDirectory() as folder:
        found += written_cases.cases(documents, Path(folder), seed=args.seed)
    say(f"{len(found)} searches with {sum(len(case.asked) for case in found)} questions")
    tokenizer, model = published()
    model.to(args.device)

    def encode(text: str) -> list[int]:
        return list(tokenizer(text, add_special_tokens=False).input_ids)

    texts = short_answers(found, args.texts)
    apart = {f"squad-{at}" for at in range(HELD_OUT)}
    apart |= {one.article.id for one in documents if one.held_out}
    taught = [case for case in found if case.article_id not in apart]
    rows = [packed(case, encode, texts) for case in taught] + looked_at(taught, encode, seed=args.seed)
    learnt = [one for one in documents if not one.held_out]
    rows += in_rows(settled(articles[HELD_OUT:], learnt, seed=args.seed), encode)
    random.Random(args.seed).shuffle(rows)
    held_out = [packed(case, encode, {}) for case in found if case.article_id in apart]
    made = adapted(model, seed=args.seed)
    if args.begin:
        read(made, args.begin)
    begun = {name: (one.a.detach().clone(), one.b.detach().clone()) for name, one in made.items()}
    say(measure(model, held_out, encode))
    train(model, made.values(), rows, minutes=args.minutes, keep=lambda: write(made, args.out))
    blend(made, begun, args.blend)
    say(measure(model, held_out, encode))
    write(made, args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
