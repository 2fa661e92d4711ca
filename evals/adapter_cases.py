"""Cases to train the adapter on (`evals.train_adapter`): what the product shows its model, with questions of all kinds to it.

Articles of SQuAD 1.1 become a library, and its questions are asked there, so that the sentences are those that the search
finds, in its order and with its mistakes. Beside the question that was searched stand others on the same sentences, because
they cost next to nothing more to train on: questions of the same article that they answer, questions that they do not answer
although they share words with them, and questions made wrong as for the reader (`evals.reader_cases`) or by another name that
the sentences know too. At times the sentence that answers is left out, and as often another one, so that how many there are
tells nothing.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from evals import question_forms as forms
from evals.reader_cases import WAYS, Maker, squad_articles
from index.library import Library
from index.sentences import split
from index.types import Article, Sentence
from index.words import rough_stems
from qa import explain, kinds
from qa.abstain import Verdict
from qa.answer import Asker
from qa.config import Config
from qa.prompt import defused, render
from qa.rerank import CrossEncoder
from qa.types import Evidence

NEGATION = 0.3  # of the negations that could be made are made: people seldom ask so
LEFT_OUT = 0.3  # of the searches lose the sentence that answers, and of the others as many another sentence
LOWERED, CLIPPED = 0.3, 0.1  # of the questions are typed in haste
MISTAKEN = 0.5  # of the questions that are answered are asked of another name in the sentences, if they can be
SEARCHED_AS_YES_OR_NO, SEARCHED_AS_LIST = 0.2, 0.06
ASKED_FOR_YES, ASKED_OF_ANOTHER, ASKED_FOR_MANNER, ASKED_AS_LIST = 0.5, 0.6, 0.2, 0.4  # of the questions that can be
DENIED = ", no"  # how the way ends of a question for yes or no, of another day or number than the sentence has
PLAIN = ("answered", "other")  # ways whose answers are short words of the sentence
DATED = 0.5  # of the articles have a day
WRONG_OTHERS = 0.45  # of the other questions that are answered are made wrong as well
FIRST_DAY, DAYS = date(2015, 1, 1), 3_600
SHORTEST_QUESTION = 12  # characters
MOST_ASKED = 10  # questions on the same sentences
LOOKS_AT_ANSWERS = 2  # of the sentences that answer a question, at most
LOOKED_WITH_BESIDE = 0.5  # of the looks for an explanation are at three sentences, as the product judges them
LOOKED_AT_OTHERS = 0.6  # of the questions are looked at with a sentence that does not answer


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and which of the sentences answers it."""

    way: str  # how it was made: "answered", "missing", "other", "elsewhere", "wrong name", ...
    question: str
    label: int  # 0: none does
    answer: str = ""  # its words; "" where there is none
    also: tuple[int, ...] = ()  # other sentences that answer, too
    verdict: Verdict | None = None  # what they say where it asks for yes or no; None also where they say neither


@dataclass(frozen=True, slots=True)
class Case:
    """What one search shows, and the questions to it."""

    article_id: str  # whose questions they are; "squad-0" for the first of the articles, and so on
    shown: str  # the part of the prompt before the question
    evidence: tuple[Evidence, ...]
    asked: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """One sentence of a search, or it with those next to it, by itself, and a question to it; as `qa.abstain` asks."""

    shown: str  # the part of the prompt before the question
    asked: Asked  # its labels are those among what is shown here


def looks(case: Case, random_: random.Random) -> Iterator[Look]:
    """Yield closer looks at what a search shows: at a sentence that answers, and at the likest of those that do not.

    To an explanation half of them are at the sentence together with those right before and after it.
    """
    for asked in random_.sample(case.asked, len(case.asked)):
        answering = [e for e in case.evidence if e.label in (asked.label, *asked.also)]
        others = [e for e in case.evidence if e not in answering and not (asked.answer and asked.answer in e.text)]
        likest = max(others, key=lambda e: likeness(asked.question, rough_stems(e.text)), default=None)
        at = random_.sample(answering, min(len(answering), LOOKS_AT_ANSWERS))
        if likest is not None and random_.random() < LOOKED_AT_OTHERS:
            at.append(likest)
        explains = explain.wanted(asked.question)
        for one in at:
            beside = explains and random_.random() < LOOKED_WITH_BESIDE
            yield _look(asked, [e for e in case.evidence if e is one or (beside and _next_to(e, one))], answering)


def _next_to(one: Evidence, other: Evidence) -> bool:
    return one.article_id == other.article_id and abs(one.sentence - other.sentence) == 1


def _look(asked: Asked, seen: Sequence[Evidence], answering: Sequence[Evidence]) -> Look:
    best_first = sorted((e for e in answering if e in seen), key=lambda e: e.label != asked.label)
    first, *also = [seen.index(e) + 1 for e in best_first] or [0]
    way, verdict = f"{asked.way}, looked at", asked.verdict if first else None
    return Look(shown(_numbered(seen)), replace(asked, way=way, label=first, also=tuple(also), verdict=verdict))


def look_at(article: Article, sentence: Sentence, asked: Asked) -> Look:
    """Return a look at one sentence of an article, without a search: `asked` has label 1 if it answers, else 0."""
    place = sentence.index, sentence.start, sentence.end
    one = Evidence(1, article.id, article.title, article.date, *place, sentence.text, score=0.0)
    return Look(shown([one]), replace(asked, way=f"{asked.way}, looked at"))


def settled(articles: Sequence[Mapping[str, Any]], *, seed: int) -> Iterator[Look]:
    """Yield looks at sentences of SQuAD's articles that settle what is asked for yes or no, with a no where one can be made."""
    random_ = random.Random(seed)
    for at, article in enumerate(articles):
        text = _Text(article, f"squad-{at}", random_, seed=seed + at)
        sentences = split(text.article)
        for place, question in enumerate(text.questions):
            answer, start = text.answers[place]
            told = next((one for one in sentences if one.start <= start and start + len(answer) <= one.end), None)
            if told is None or not text.askable(place):
                continue
            for form in _of_yes_and_no(text, question, answer, told.text, random_):
                typed = replace(form, question=_haste(text, form.question, random_), label=1)
                yield look_at(text.article, told, typed)


def _of_yes_and_no(text: _Text, question: str, answer: str, read: str, random_: random.Random) -> Iterator[Asked]:
    if told := forms.yes_or_no(question, answer, random_, insist=True):
        yield Asked("settled", told, 1, verdict="Yes")
    if denied := _denied(text, question, answer, read, random_):
        yield Asked(f"settled{DENIED}", denied, 1, verdict="No")


def _denied(text: _Text, question: str, answer: str, read: str, random_: random.Random) -> str | None:
    """The question asked of another day or number than its answer, one that is not in `read`; None if there is none."""
    others = [one for one, _ in text.answers if forms.same_shape(one, answer) and one != answer and one not in read]
    return forms.yes_or_no(question, random_.choice(others), random_, insist=True) if others else None


def read_articles(path: Path, many: int, *, seed: int) -> list[Mapping[str, Any]]:
    """Return `many` articles of a SQuAD 1.1 file, drawn at random.

    Raises:
        InputError: the file is not there, or is no SQuAD file.
    """
    with squad_articles(path) as articles:
        found = [
            one for one in articles if one["title"] and one["paragraphs"][0]["context"] and one["paragraphs"][0]["qas"]
        ]
    return random.Random(seed).sample(found, min(many, len(found)))


def cases(articles: Sequence[Mapping[str, Any]], folder: Path, *, seed: int) -> Iterator[Case]:
    """Yield a case for each search that finds anything, in random order; the library of the articles is made in `folder`."""
    random_ = random.Random(seed)
    texts = [_Text(one, f"squad-{at}", random_, seed=seed + at) for at, one in enumerate(articles)]
    with searching([one.article for one in texts], folder) as asker:
        places = [(one, at) for one in texts for at in range(len(one.questions)) if one.askable(at)]
        random_.shuffle(places)
        for text, at in places:
            made = _case(asker, text, at, random_)
            if made is not None:
                yield made


@contextmanager
def searching(articles: Sequence[Article], folder: Path) -> Iterator[Asker]:
    """Yield what finds sentences, as the product does, in a library of these articles, which is made in `folder`."""
    with Library(folder) as library:
        library.add(articles)
        library.embed_pending()
        yield Asker(library, Config(library=folder, llm="none"), llm=None, reranker=CrossEncoder)


def shown(evidence: Sequence[Evidence]) -> str:
    """Return the part of the prompt before the question."""
    return render("", evidence).user.rpartition("Question:")[0]


def read_of(evidence: Sequence[Evidence]) -> str:
    """Return all that the sentences and their titles say."""
    return " ".join(f"{e.text} {e.title}" for e in evidence)


def likeness(question: str, there: Collection[str]) -> float:
    """Return the share of the question's stems that are `there`, 0 to 1."""
    words = rough_stems(question)
    return len(words.intersection(there)) / (len(words) or 1)


class _Text:
    """An article with its questions, and where their answers stand in it."""

    def __init__(self, article: Mapping[str, Any], name: str, random_: random.Random, *, seed: int) -> None:
        paragraphs = [one["context"] for one in article["paragraphs"]]
        day = FIRST_DAY + timedelta(days=random_.randrange(DAYS)) if random_.random() < DATED else None
        self.article = Article(name, str(article["title"]).replace("_", " "), "\n\n".join(paragraphs), day)
        self.maker = Maker(article, seed=seed)
        self.questions: list[str] = []
        self.answers: list[tuple[str, int]] = []  # the words, and where they begin in the article's text
        begin = 0
        for paragraph in article["paragraphs"]:
            for one in paragraph["qas"]:
                self.questions.append(" ".join(one["question"].split()))
                self.answers.append((one["answers"][0]["text"], begin + one["answers"][0]["answer_start"]))
            begin += len(paragraph["context"]) + 2

    def askable(self, at: int) -> bool:
        """False for what wants more than one sentence, and for what is hardly a question."""
        asked = self.questions[at]
        return len(asked) >= SHORTEST_QUESTION and kinds.kind(asked) not in ("several", "yes-no")

    def label(self, at: int, evidence: Sequence[Evidence]) -> int:
        """The number of the sentence that holds the answer at its place; 0 if none does."""
        words, start = self.answers[at]
        inside = (
            e.label
            for e in evidence
            if e.article_id == self.article.id and e.start <= start and start + len(words) <= e.end
        )
        return next(inside, 0)

    def said(self, at: int, text: str) -> bool:
        """True if the words of the answer are in `text`."""
        return self.answers[at][0].lower() in text.lower()


def _case(asker: Asker, text: _Text, at: int, random_: random.Random) -> Case | None:
    searched = _searched(text, at, random_)
    typed = _haste(text, searched, random_)
    evidence = asker.retrieve(typed).evidence
    label = text.label(at, evidence)
    if label and random_.random() < LEFT_OUT:
        evidence, label = without([e for e in evidence if e.label == label or text.said(at, e.text)], evidence), 0
    elif len(evidence) > 1 and random_.random() < LEFT_OUT:
        evidence = without([random_.choice([e for e in evidence if e.label != label])], evidence)
        label = text.label(at, evidence)
    if not evidence:
        return None
    read = read_of(evidence)
    made: list[_Made] = []
    if label:
        made.append(_Made("answered", searched, label, at))
        made += _made_wrong(text, at, read, random_, many=random_.choice((1, 2, 2)))
    elif not text.said(at, read):
        made.append(_Made("missing", searched, 0, at))
    made += _others(text, at, evidence, read, random_)
    made += [form for one in made for form in _forms(text, one, read, random_)]
    unique = list({one.question.lower(): one for one in reversed(made)}.values())
    random_.shuffle(unique)
    asked = (
        one.asked(_haste(text, one.question, random_) if one.question != searched else typed, text) for one in unique
    )
    return Case(text.article.id, shown(evidence), evidence, tuple(islice(asked, MOST_ASKED))) if unique else None


@dataclass(frozen=True, slots=True)
class _Made:
    """A question before it is typed."""

    way: str
    question: str
    label: int
    at: int  # of the article's question that it was made from

    def asked(self, typed: str, text: _Text) -> Asked:
        answer = text.answers[self.at][0] if self.label and self.way in PLAIN else ""
        return Asked(self.way, typed, self.label, answer, verdict=self._verdict())

    def _verdict(self) -> Verdict | None:
        """What the sentence says to it: it is made of a question that the sentence answers, or of another day or number."""
        if not self.label or kinds.kind(self.question) != "yes-no":
            return None
        return "No" if self.way.endswith(DENIED) else "Yes"


def _searched(text: _Text, at: int, random_: random.Random) -> str:
    """The question that is searched: mostly as it is, at times in another form."""
    question, how = text.questions[at], random_.random()
    if how < SEARCHED_AS_YES_OR_NO:
        return forms.yes_or_no(question, text.answers[at][0], random_, insist=True) or question
    if how < SEARCHED_AS_YES_OR_NO + SEARCHED_AS_LIST:
        return forms.as_list(question, random_) or question
    return question


def _forms(text: _Text, made: _Made, read: str, random_: random.Random) -> Iterator[_Made]:
    """The same asked for yes or no, or as a list. What settles a question settles these, and what does not, not.

    Of another day or number than the true one the sentence says no; of a manner that is not told it says nothing.
    """
    answer = text.answers[made.at][0]
    if made.way in ("wrong negation", "wrong number", "wrong asked"):
        return  # a sentence with the right number may settle what is asked of another one
    plain = forms.yes_or_no(made.question, answer, random_, insist=not made.label)
    if plain and random_.random() < ASKED_FOR_YES:
        yield replace(made, way=f"{made.way}, yes", question=plain)
    if plain and made.label and random_.random() < ASKED_OF_ANOTHER:
        other = _denied(text, made.question, answer, read, random_)
        if other:
            yield replace(made, way=f"{made.way}{DENIED}", question=other)
    if plain and made.label and random_.random() < ASKED_FOR_MANNER:
        yield replace(made, way="manner", question=forms.in_another_manner(plain, random_), label=0)
    if random_.random() < ASKED_AS_LIST and (listed := forms.as_list(made.question, random_)):
        yield replace(made, way=f"{made.way}, list", question=listed)


def without(some: Sequence[Evidence], evidence: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """The evidence without some of its sentences, numbered anew."""
    return _numbered(e for e in evidence if e not in some)


def _numbered(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    return tuple(replace(e, label=number) for number, e in enumerate(evidence, start=1))


def _others(text: _Text, at: int, evidence: Sequence[Evidence], read: str, random_: random.Random) -> Iterator[_Made]:
    """Other questions of the article: some that the sentences answer, and the likest of those that they do not."""
    others = [one for one in range(len(text.questions)) if one != at and text.askable(one)]
    answered = [(one, label) for one in others if (label := text.label(one, evidence))]
    for one, label in random_.sample(answered, min(len(answered), random_.choice((1, 2, 3)))):
        yield _Made("other", text.questions[one], label, one)
        if random_.random() < WRONG_OTHERS:
            yield from _made_wrong(text, one, read, random_, many=1)
    there = rough_stems(read)
    shares = {
        one: likeness(text.questions[one], there) + 0.1 * random_.random()
        for one in others
        if not (text.label(one, evidence) or text.said(one, read))
    }
    for one in sorted(shares, key=lambda one: -shares[one])[: random_.choice((0, 1, 1, 2))]:
        yield _Made("elsewhere", text.questions[one], 0, one)


def _made_wrong(text: _Text, at: int, read: str, random_: random.Random, *, many: int) -> Iterator[_Made]:
    if random_.random() < MISTAKEN and (mistaken := text.maker.mistaken(text.questions[at], read, text.answers[at][0])):
        yield _Made("mistaken", mistaken, 0, at)
        many -= 1
    ways = [way for way in WAYS if way != "negation" or random_.random() < NEGATION]
    for way in random_.sample(ways, len(ways)):
        wrong = text.maker.wrong(way, text.questions[at], read) if many else None
        if wrong and wrong != text.questions[at]:
            yield _Made(f"wrong {way}", wrong, 0, at)
            many -= 1


def _haste(text: _Text, question: str, random_: random.Random) -> str:
    """The question as people type it: at times in small letters, at times clipped."""
    how = random_.random()
    if how < LOWERED:
        question = question.rstrip(" ?").lower()
    elif how < LOWERED + CLIPPED:
        question = text.maker.clipped(question)
    return defused(question)
