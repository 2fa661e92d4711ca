"""Hits -> Evidence: the best sentences of the best passages, numbered, within a token budget."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from index.library import Library
from index.types import Sentence
from index.words import rough_stems
from qa import explain, identity, kinds, overview
from qa.config import Config
from qa.rerank import Reranker
from qa.turns import in_turn
from qa.types import Evidence, Hit

WIDER_GAPS = 3.0, 2.0  # logits that passages and sentences may be further behind the best at a second reading
LED = 2  # places for sentences of passages that others led to
RUN_OVER = 3  # sentences more where those of whole runs are shown
LEAST = 2  # sentences shown however far the second is behind: a pair can be compared
PLAIN = 5.0  # logit from which the best sentence answers by itself; below, those far behind it fill the places left
CHARS_PER_TOKEN = 4.2  # of the default model on English news text, measured; a heading costs about 25 tokens
HEADING_TOKENS = 25
TITLE_CHARS = 60
AFTER = 1.0  # logits that a sentence has to add to the one before it
SHORT = 7  # words of a sentence that may say little without the one before
SAME = 0.8  # Jaccard of content words above which two sentences say the same: the better one takes the place
CONTEXT_SENTENCES = 2  # before a cited sentence: where its "he" and "the envoy" are named

_LEANS_BACK = re.compile(
    r"(?:[\"“‘'(]\s*)?(?:(?:But|And|So|Yet|However,|Then|Now|In turn,)\s+)?"
    r"(?:He|She|It|They|His|Her|Its|Their|This|That|These|Those|Both|The (?:company|firm|group|two|three|move|decision|deal|case"
    r"|man|woman|envoy|minister|president|mayor|official|statement|agency|party|team|talks|meeting))\b"
)


@dataclass(frozen=True, slots=True)
class _Candidate:
    sentence: Sentence
    hit: Hit
    score: float


def evidence_for(
    question: str,
    hits: Sequence[Hit],
    library: Library,
    config: Config,
    reranker: Reranker | None,
    *,
    everything: bool = False,
    others: Sequence[Hit] = (),
) -> tuple[Evidence, ...]:
    """Return the best sentences of `hits`, numbered: articles best first, sentences of one article in its own order.

    Where a question wants `everything`, each article has its say before any has a second one, none brings a neighbour along,
    and more is shown.

    A sentence that leans on the one before ("He said ...") brings it along while there is room. Of the passages that others
    led to, the best sentences have places of their own: by the question alone they would hardly be chosen. Yet their scores
    are told as the question alone reads them, like those of all others. Places of their own have also the sentences of any
    passage, also of `others`, that introduce whom or what is asked about.
    """
    read = _worth_reading([*hits, *_found_twice(hits)], config)
    texts = {name: library.sentences(name) for name in dict.fromkeys(hit.passage.article_id for hit in read)}
    direct, led = [hit for hit in read if not hit.asked], [hit for hit in read if hit.asked]
    if reranker is not None and not everything and explain.wanted(question):
        order = _in_runs(question, direct, library, config, reranker)
        config = config.with_values(
            evidence=min(50, config.evidence + RUN_OVER), evidence_tokens=min(100_000, config.evidence_tokens * 3 // 2)
        )
        within = _within_budget(order, texts, config, neighbours=False)
    elif everything:
        config = config.with_values(
            evidence=min(50, config.evidence * 3 // 2), evidence_tokens=min(100_000, config.evidence_tokens * 2)
        )
        ranked = _ranked(question, direct, texts, reranker)
        order = in_turn(_near(ranked, config), lambda one: one.sentence.article_id)
        within = _within_budget(order, texts, config, neighbours=False)
    else:
        order = [
            *_introductions(question, [*hits, *others], texts, library, reranker),
            *_joined(_ranked(question, direct, texts, reranker), _ranked(question, led, texts, reranker), config),
        ]
        within = _within_budget(order, texts, config, neighbours=True)
    chosen = _of_the_question(question, within, texts, reranker)
    best: dict[str, int] = {}
    for candidate, _ in chosen:
        best.setdefault(candidate.sentence.article_id, len(best))
    in_order = sorted(chosen, key=lambda item: (best[item[0].sentence.article_id], item[0].sentence.index))
    files = {name: library.file_of(name) for name in best}
    return tuple(
        _evidence(label, candidate, texts[candidate.sentence.article_id], files, neighbour=neighbour)
        for label, (candidate, neighbour) in enumerate(in_order, start=1)
    )


def wider_evidence(
    question: str,
    hits: Sequence[Hit],
    shown: Sequence[Evidence],
    library: Library,
    *,
    config: Config,
    reranker: Reranker | None,
) -> tuple[Evidence, ...]:
    """Return what to read beside the evidence that was `shown` and did not answer, numbered from 1; empty if there is no more.

    It comes from twice as many of `hits`, and from further behind the best. Of squad2's answerable questions .97 instead of .93
    have the gold sentence among both, of timeqa's .75 instead of .62 (samples of 120 and 60).
    """
    passage_gap, evidence_gap = WIDER_GAPS
    more = config.with_values(
        evidence=min(50, len(shown) + config.evidence),
        evidence_tokens=min(100_000, config.evidence_tokens * 2),
        passage_gap=min(100, config.passage_gap + passage_gap),
        evidence_gap=min(100, config.evidence_gap + evidence_gap),
    )
    found = evidence_for(question, hits[: config.passages * 2], library, more, reranker)
    known = {(e.article_id, e.sentence) for e in shown}
    new = [e for e in found if (e.article_id, e.sentence) not in known]
    best = sorted(new, key=lambda e: -e.score)[: config.evidence]
    return tuple(replace(e, label=label) for label, e in enumerate((e for e in new if e in best), start=1))


def overview_evidence(
    about: overview.Wanted, hits: Sequence[Hit], library: Library, *, times: int = 1
) -> tuple[Evidence, ...]:
    """Return the sentences that tell of a topic on the whole, numbered, oldest article first; empty if no article is on it.

    `hits` are read for the topic alone, best first; `times` as many sentences as an answer has.
    """
    best: dict[str, Hit] = {}
    for hit in hits:
        best.setdefault(hit.passage.article_id, hit)
    texts = {name: library.sentences(name) for name in best}
    chosen: list[tuple[_Candidate, bool]] = []
    for hit, sentence in overview.sentences(about, [(hit, texts[name]) for name, hit in best.items()], times=times):
        if not _said_already(sentence, chosen):
            chosen.append((_Candidate(sentence, hit, hit.score), False))
    files = {name: library.file_of(name) for name in best}
    return tuple(
        _evidence(label, candidate, texts[candidate.sentence.article_id], files, neighbour=False)
        for label, (candidate, _) in enumerate(chosen, start=1)
    )


def _found_twice(hits: Sequence[Hit]) -> list[Hit]:
    """The passages that others led to and the question alone found as well, as it found them."""
    return [
        replace(hit, score=hit.stages["rerank"], asked="", clause="")
        for hit in hits
        if hit.asked and "rerank" in hit.stages
    ]


def _worth_reading(hits: Sequence[Hit], config: Config) -> list[Hit]:
    """The hits that are not far behind the best one of their kind: their sentences would not be chosen anyway."""
    read = []
    for kind in ([hit for hit in hits if not hit.asked], [hit for hit in hits if hit.asked]):
        scores = [hit.score for hit in kind if "rerank" in hit.stages or hit.asked]
        least = max(scores, default=-math.inf) - config.passage_gap
        read += [hit for hit in kind if hit.score >= least or not scores]
    return read


def _joined(direct: Sequence[_Candidate], led: Sequence[_Candidate], config: Config) -> list[_Candidate]:
    """One order of choice: the best of what answers directly, then the best of what it led to, then the others.

    What is far behind the best sentence only costs the reader time: with a gap of 8 the prompt is a third shorter and the gold
    sentence is lost in under 2% of the questions (squad2, qed, clapnq). What goes on from the best sentence is not left
    out: of 49 questions of squad2 one more has the gold sentence, for less than a token each. Where the best is not PLAIN,
    those far behind come last of all.
    """
    near = _followed(_near(direct, config), direct)
    heads = {scope: at for at, one in reversed(list(enumerate(direct))) for scope in _scopes(one.hit)}
    if len(heads) > 1:  # one for each newspaper that the question names, or each of its clauses
        chosen = [direct[at] for at in sorted(set(heads.values()))]
        near = [*chosen, *(one for one in near if one not in chosen)]
    first = max(LEAST, config.evidence - LED)
    led = [one for one in led if one.score >= led[0].score - config.evidence_gap / 2]
    return [*near[:first], *led[:LED], *near[first:], *_filling(direct, near)]


def _followed(near: Sequence[_Candidate], ranked: Sequence[_Candidate]) -> list[_Candidate]:
    """The candidates, and what goes on from the best of them: "He said that ballots had been counted by candle".

    Where that one is a question, or only opens, what follows answers it, and stands beside it.
    """
    opens = any(kinds.opens_or_asks(best.sentence.text) for best in near[:1])
    following = {(best.sentence.article_id, best.sentence.index + 1) for best in near[:1]}
    on = [
        one
        for one in ranked
        if (one.sentence.article_id, one.sentence.index) in following
        and (opens or _LEANS_BACK.match(one.sentence.text))
    ]
    if opens:
        return [*near[:1], *on, *(one for one in near[1:] if one not in on)]
    return [*near, *(one for one in on if one not in near)]


def _introductions(
    question: str,
    hits: Sequence[Hit],
    texts: dict[str, tuple[Sentence, ...]],
    library: Library,
    reranker: Reranker | None,
) -> list[_Candidate]:
    """The sentences that introduce whom or what is asked about, plainest first, at most one of an article."""
    wanted = identity.topic(question)
    if wanted is None:
        return []
    found: dict[str, tuple[int, Sentence, Hit]] = {}
    for hit in hits:
        name = hit.passage.article_id
        sentences = texts.setdefault(name, library.sentences(name))
        for sentence in sentences[hit.passage.first : hit.passage.last + 1]:
            before = " ".join(
                one.text for one in sentences[max(0, sentence.index - CONTEXT_SENTENCES) : sentence.index]
            )
            told = identity.introduction(wanted, sentence.text, f"{hit.title} {before}")
            if told is not None and (name not in found or told.rank < found[name][0]):
                found[name] = told.rank, sentence, hit
    best = sorted(found.values(), key=lambda one: one[0])[: identity.MOST]
    texts_read = [f"{short_title(hit.title)}: {sentence.text}" for _, sentence, hit in best]
    scores = reranker.scores(question, texts_read) if reranker and best else [hit.score for _, _, hit in best]
    return [_Candidate(sentence, hit, score) for (_, sentence, hit), score in zip(best, scores, strict=True)]


def _in_runs(
    question: str, hits: Sequence[Hit], library: Library, config: Config, reranker: Reranker
) -> list[_Candidate]:
    """The sentences of the runs that explain best, run by run, each with its own score."""
    places = {
        (hit.passage.article_id, at): hit for hit in hits for at in range(hit.passage.first, hit.passage.last + 1)
    }
    names = dict.fromkeys(hit.passage.article_id for hit in hits)
    texts = {name: library.sentences(name) for name in names}
    runs: list[tuple[Sentence, ...]] = []
    told: list[str] = []
    for article in filter(None, map(library.get, names)):
        some = [sentence for sentence in texts[article.id] if (article.id, sentence.index) in places]
        for run in explain.runs(some, article.text):
            runs.append(run)
            told.append(f"{short_title(article.title)}: {article.text[run[0].start : run[-1].end]}")
    scored = sorted(zip(reranker.scores(question, told), runs, strict=True), key=lambda pair: -pair[0])
    chosen: dict[tuple[str, int], Sentence] = {}
    for score, run in scored:
        if len(chosen) >= config.evidence or score < scored[0][0] - config.evidence_gap:
            break
        chosen.update({(sentence.article_id, sentence.index): sentence for sentence in run})
    read = [(sentence, places[place]) for place, sentence in chosen.items()]
    own = _scores(question, read, texts, reranker)
    return [_Candidate(sentence, hit, score) for (sentence, hit), score in zip(read, own, strict=True)]


def _near(ranked: Sequence[_Candidate], config: Config) -> list[_Candidate]:
    """The candidates that are not far behind the best one."""
    return [one for one in ranked if one.score >= ranked[0].score - config.evidence_gap or one in ranked[:LEAST]]


def _filling(ranked: Sequence[_Candidate], chosen: Sequence[_Candidate]) -> list[_Candidate]:
    """The sentences of the best one's article that are not chosen, best first; none where the best one is PLAIN.

    A sentence that repeats the name which the question gives ("Shanahan's, the drapery, will pull down its blinds") has some
    three logits whatever is asked, and the one that answers ("Its stock will be sold off from Easter Monday") leans on the
    article for that name and has ten less. Of 500 questions to short articles 459 instead of 451 have a gold sentence shown, for
    7% more of text; squad2, qed and clapnq as before, for 5, 2 and 2% more. Reading them for the question without its
    names finds no more, and whole runs of an explanation are not filled up: that gave nothing.
    """
    if not ranked or ranked[0].score >= PLAIN:
        return []
    name = ranked[0].sentence.article_id
    return [one for one in ranked if one.sentence.article_id == name and one not in chosen]


def _scopes(hit: Hit) -> set[str]:
    """What a passage was looked for in: the sources and times that the question names, or its clauses."""
    if hit.clause:
        return {hit.clause}
    return {stage.partition(" in ")[2] for stage in hit.stages if " in scope " in stage}


def _ranked(
    question: str, hits: Sequence[Hit], texts: dict[str, tuple[Sentence, ...]], reranker: Reranker | None
) -> list[_Candidate]:
    found: dict[tuple[str, int], tuple[Sentence, Hit]] = {}
    for hit in hits:
        for sentence in texts[hit.passage.article_id][hit.passage.first : hit.passage.last + 1]:
            found.setdefault((sentence.article_id, sentence.index), (sentence, hit))
    pairs = list(found.values())
    if reranker is None:
        asked = rough_stems(question)
        scores = [len(asked & rough_stems(sentence.text)) / (len(asked) or 1) + hit.score for sentence, hit in pairs]
    else:
        scores = []
        for asked, some in groupby(pairs, key=lambda pair: pair[1].asked or pair[1].clause):
            scores += _scores(asked or question, list(some), texts, reranker)
    candidates = [_Candidate(sentence, hit, score) for (sentence, hit), score in zip(pairs, scores, strict=True)]
    return sorted(candidates, key=lambda candidate: -candidate.score)


def _scores(
    question: str, read: Sequence[tuple[Sentence, Hit]], texts: dict[str, tuple[Sentence, ...]], reranker: Reranker
) -> list[float]:
    """The sentences' scores, for those that lean on the one before also read after it.

    "Her successor is Odile Brennan" says little by itself. Where the two together answer better than the one before alone, by
    more than AFTER, that is the score, less AFTER; no more than that of the one before, if that answers itself. With what
    `_followed` adds, 91 instead of 89 of 98 questions on our samples have a gold sentence shown, squad2 48 of 49 (47), qed
    and timeqa as before.
    """
    alone = reranker.scores(question, [f"{short_title(hit.title)}: {sentence.text}" for sentence, hit in read])
    places = {(sentence.article_id, sentence.index): at for at, (sentence, _) in enumerate(read)}
    leaning = [at for at, (sentence, _) in enumerate(read) if sentence.index and _leans(sentence.text)]
    after = reranker.scores(question, [_after(*read[at], texts) for at in leaning]) if leaning else []
    scores = list(alone)
    for at, score in zip(leaning, after, strict=True):
        sentence, _ = read[at]
        place = places.get((sentence.article_id, sentence.index - 1))
        before = -math.inf if place is None else alone[place]
        if score > before + AFTER:
            scores[at] = max(alone[at], min(score - AFTER, before) if before > 0 else score - AFTER)
    return [score + hit.stages.get("time", 0.0) for score, (_, hit) in zip(scores, read, strict=True)]


def _leans(text: str) -> bool:
    return bool(_LEANS_BACK.match(text)) or len(text.split()) <= SHORT


def _after(sentence: Sentence, hit: Hit, texts: dict[str, tuple[Sentence, ...]]) -> str:
    before = texts[sentence.article_id][sentence.index - 1]
    return f"{short_title(hit.title)}: {before.text} {sentence.text}"


def _within_budget(
    ranked: Sequence[_Candidate], texts: dict[str, tuple[Sentence, ...]], config: Config, *, neighbours: bool
) -> list[tuple[_Candidate, bool]]:
    chosen: dict[tuple[str, int], tuple[_Candidate, bool]] = {}
    articles: set[str] = set()
    tokens = 0.0
    for candidate in ranked:
        wanted = [(candidate, False)]
        sentence = candidate.sentence
        if neighbours and sentence.index and _LEANS_BACK.match(sentence.text):
            before = replace(candidate, sentence=texts[sentence.article_id][sentence.index - 1])
            wanted.insert(0, (before, True))
        for item, neighbour in reversed(wanted):
            key = item.sentence.article_id, item.sentence.index
            cost = len(item.sentence.text) / CHARS_PER_TOKEN + 4
            cost += 0 if item.sentence.article_id in articles else HEADING_TOKENS
            if key in chosen and chosen[key][1] and not neighbour:
                chosen[key] = item, False  # it came along before, and is one of the best itself
            full = len(chosen) >= config.evidence or (chosen and tokens + cost > config.evidence_tokens)
            if full or key in chosen or _said_already(item.sentence, chosen.values()):
                continue
            chosen[key] = item, neighbour
            articles.add(item.sentence.article_id)
            tokens += cost
    return list(chosen.values())


def _of_the_question(
    question: str,
    chosen: Sequence[tuple[_Candidate, bool]],
    texts: dict[str, tuple[Sentence, ...]],
    reranker: Reranker | None,
) -> list[tuple[_Candidate, bool]]:
    """The chosen, each with its score for the question alone.

    Read behind the passage that led to it a sentence has some seven logits whatever it says: it would seem the best of all.
    The sentence that answers alone is gold more often so: musique 23 of 40 (19), qed 80 of 104 (76), timeqa 32 of 108 (29),
    squad2 53 of 61 (52), hotpotqa 23 of 40 (25).
    """
    led = [one for one, _ in chosen if one.hit.asked]
    if reranker is None or not led:
        return list(chosen)
    scores = _scores(question, [(one.sentence, one.hit) for one in led], texts, reranker)
    alone = {id(one): replace(one, score=score) for one, score in zip(led, scores, strict=True)}
    return [(alone.get(id(one), one), neighbour) for one, neighbour in chosen]


def _said_already(sentence: Sentence, chosen: Iterable[tuple[_Candidate, bool]]) -> bool:
    mine = rough_stems(sentence.text)
    for other, _ in chosen:
        theirs = rough_stems(other.sentence.text)
        if len(mine & theirs) / (len(mine | theirs) or 1) > SAME:
            return True
    return False


def short_title(title: str) -> str:
    """What an article is about, in a few words: a whole standfirst would outweigh the sentence it is read with."""
    return title if len(title) <= TITLE_CHARS else title[:TITLE_CHARS].rsplit(" ", 1)[0]


def _evidence(
    label: int, candidate: _Candidate, article: Sequence[Sentence], files: dict[str, str | None], *, neighbour: bool
) -> Evidence:
    sentence, hit = candidate.sentence, candidate.hit
    before = article[max(0, sentence.index - CONTEXT_SENTENCES) : sentence.index]
    return Evidence(
        label=label,
        article_id=sentence.article_id,
        title=hit.title,
        date=hit.date,
        sentence=sentence.index,
        start=sentence.start,
        end=sentence.end,
        text=sentence.text,
        score=candidate.score,
        neighbour=neighbour,
        file=files[sentence.article_id],
        context=" ".join(s.text for s in before),
    )
