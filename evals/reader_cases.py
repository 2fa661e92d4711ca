"""Cases to train the reader on (`evals.train_reader`): questions of SQuAD 1.1, with texts that answer them or only look like it.

SQuAD 1.1 has no unanswerable questions (Rajpurkar et al., EMNLP 2016), so they are made: a sentence of the same article that
shares much with the question but lacks the answer, and a question that was made wrong beside the text that answered it. Its
name, number or word is another one of the article's questions, its adjective the opposite, its verb negated, or why is asked
of what is only dated, the ways in which people wrote the unanswerable questions of SQuAD 2.0 (Rajpurkar, Jia and Liang, ACL
2018, table 1). At times it is the text that is changed, and at times something is renamed in both, which leaves an answer: so a
strange word alone tells nothing. Some questions of each kind are clipped to what is typed into a search box.
"""

from __future__ import annotations

import calendar
import json
import math
import random
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from index.errors import InputError
from index.sentences import split
from index.types import Article
from index.words import content_words, rough_stems

WINDOW_CHARS = 600  # of the sentences that are read together
SHARES = {"answered": 0.36, "elsewhere": 0.13, "beside": 0.07, "renamed": 0.06, "made wrong": 0.38}
# To make a question wrong, each as often as it stands here.
WAYS = ("name", "name", "number", "opposite", "opposite", "word", "word", "negation", "asked")
IN_TEXT = 0.35  # of those made wrong, the text is changed instead, if that can be
CLIPPED = 0.25  # of the questions are clipped

_OPPOSITES = (
    "first last|largest smallest|biggest smallest|highest lowest|most least|before after|north south|northern southern|east west"
    "|eastern western|northeast southwest|increase decrease|increased decreased|rise fall|rose fell|won lost|win lose|early late"
    "|earliest latest|old new|oldest newest|older younger|oldest youngest|young old|best worst|better worse|high low|higher lower"
    "|more less|more fewer|large small|larger smaller|long short|longer shorter|longest shortest|begin end|began ended"
    "|beginning end|start end|started ended|open close|opened closed|founded dissolved|created destroyed|built demolished"
    "|established abolished|allow forbid|allowed prohibited|permitted banned|legal illegal|male female|men women|man woman"
    "|boys girls|king queen|father mother|son daughter|brother sister|husband wife|born died|birth death|buy sell|bought sold"
    "|accept reject|accepted rejected|support oppose|supported opposed|agree disagree|agreed refused|include exclude"
    "|included excluded|enter leave|entered left|arrive depart|join leave|joined left|strong weak|stronger weaker|major minor"
    "|majority minority|common rare|public private|internal external|inside outside|upper lower|top bottom|left right|front back"
    "|hot cold|warm cool|wet dry|winter summer|spring autumn|day night|morning evening|war peace|friend enemy|allies enemies"
    "|attack defend|attacked defended|victory defeat|success failure|successful unsuccessful|fail succeed|failed succeeded"
    "|positive negative|good bad|rich poor|cheap expensive|fast slow|faster slower|heavy light|hard soft|deep shallow|near far"
    "|nearest farthest|same different|simple complex|easy difficult|modern ancient|urban rural|domestic foreign|national local"
    "|present absent|presence absence|visible invisible|known unknown|famous unknown|natural artificial|active passive"
    "|export import|exports imports|exported imported|gain lose|gained lost|add remove|added removed|grow shrink|grew shrank"
    "|improve worsen|improved worsened|create destroy|cause prevent|caused prevented|causes prevents|attract repel|love hate"
    "|remember forget|appear disappear|appeared disappeared|raise lower|raised lowered|above below|maximum minimum"
    "|primary secondary|initial final|initially finally|always never|often rarely|previous next|followed preceded"
    "|predecessor successor|hired fired|appointed dismissed|elected defeated|liberal conservative|civilian military|army navy"
    "|land sea|teacher student|employer employee|parent child|acquired sold|agreed declined|praised criticized"
    "|advantage disadvantage|benefits drawbacks|winner loser|host guest|written performed|discovered lost|arrested released"
)
_MONTHS = tuple(calendar.month_name)[1:]
_WORD = re.compile(r"[A-Za-z0-9][\w'’-]*")
_NAME = re.compile(r"(?<!^)\b[A-Z][\w'’.-]*(?:\s+(?:(?:of|the|de|and)\s+)?[A-Z][\w'’-]*)*")
_DATED = re.compile(rf"\d|\b(?:{'|'.join(_MONTHS)})\b")
_NUMBER = re.compile(r"\b\d[\d,.]*\b")
_VERB = re.compile(r"\b(?:did|does|do|is|are|was|were|has|have|had|can|could|would|will)\b")
_WHY = {"When": ("Why", "How"), "Where": ("Why", "When"), "Why": ("When", "Where"), "What year": ("Why",)}
_FILLING = frozenset(
    {"a", "an", "the", "of", "in", "on", "at", "by", "for", "to", "did", "do", "does", "is", "are", "was", "were"}
    | {"has", "have", "had", "that", "which", "with", "from", "and"}
)
_DENIES = re.compile(r"\b(?:not|never|no|nor|neither|none|without|cannot)\b|n['’]t\b", re.IGNORECASE)
_ENDINGS = ("ing", "ed", "tion", "ment", "ity", "ous", "al", "ly", "ers", "er", "ies", "s")


@dataclass(frozen=True, slots=True)
class Case:
    """A question, a text that is read with it, and where the answer stands in it."""

    way: str  # how it was made: "answered", "elsewhere", ... or "wrong name", "wrong word", ...
    title: str
    question: str
    text: str
    answer: tuple[int, int] | None  # [start, end) in characters of the text; None if the text does not answer
    exact: bool = True  # False: the answer is told in that range, which may have more words than it


def read_cases(path: Path, *, seed: int = 0) -> list[Case]:
    """Return a case for about every question of a SQuAD 1.1 file, in random order.

    Raises:
        InputError: the file is not there, or is no SQuAD file.
    """
    with squad_articles(path) as articles:
        made = [case for at, article in enumerate(articles) for case in Maker(article, seed=seed + at).cases()]
    random.Random(seed).shuffle(made)
    return made


@contextmanager
def squad_articles(path: Path) -> Iterator[Sequence[Mapping[str, Any]]]:
    """The articles of a SQuAD 1.1 file; what is missing in one of them while it is read is told as the file's fault.

    Raises:
        InputError: the file is not there, or is no SQuAD file.
    """
    try:
        yield json.loads(path.read_text(encoding="utf-8"))["data"]
    except (OSError, ValueError, KeyError, TypeError, IndexError) as exc:
        raise InputError(f"{path}: not a file of SQuAD 1.1 ({exc!r}); give its train-v1.1.json") from exc


def rarity(sentences: Sequence[Collection[str]]) -> dict[str, float]:
    """Return for each word of the sentences the logarithm of one and the sentences for each that has it."""
    known = Counter(word for words in sentences for word in words)
    return {word: math.log(1 + len(sentences) / many) for word, many in known.items()}


def window(
    spans: Sequence[tuple[int, int]], sentence: int, random_: random.Random, after: Sequence[int] = ()
) -> tuple[int, int]:
    """Return the first and the last sentence that are read with one: up to two before it, and one of the numbers `after` it.

    `spans` has the place of each in characters; fewer are read where it would be more than WINDOW_CHARS.
    """
    first = max(0, sentence - random_.choice((0, 1, 2, 2)))
    last = min(len(spans) - 1, sentence + (random_.choice(after) if after else 0))
    while last > sentence and spans[last][1] - spans[first][0] > WINDOW_CHARS:
        last -= 1
    while first < sentence and spans[last][1] - spans[first][0] > WINDOW_CHARS:
        first += 1
    return first, last


@dataclass(frozen=True, slots=True)
class _Place:
    """A sentence of an article."""

    paragraph: int
    sentence: int
    text: str
    words: frozenset[str]


class Maker:
    """Makes the cases of one article of a SQuAD 1.1 file."""

    def __init__(self, article: Mapping[str, Any], *, seed: int) -> None:
        self._random = random.Random(seed)
        self._title = str(article["title"]).replace("_", " ")
        self._paragraphs = [paragraph["context"] for paragraph in article["paragraphs"]]
        self._asked = [paragraph["qas"] for paragraph in article["paragraphs"]]
        self._spans = [[(s.start, s.end) for s in split(Article("", "", text))] for text in self._paragraphs]
        self._places = [
            _Place(p, s, self._paragraphs[p][start:end], rough_stems(self._paragraphs[p][start:end]))
            for p, spans in enumerate(self._spans)
            for s, (start, end) in enumerate(spans)
        ]
        self._rarity = rarity([place.words for place in self._places])
        questions = [str(one["question"]) for asked in self._asked for one in asked]
        self._names = list(dict.fromkeys(name for question in questions for name in _names(question)))
        self._words: dict[str, list[str]] = defaultdict(list)
        for word in dict.fromkeys(word for question in questions for word in _plain_words(question)):
            self._words[_ending(word)].append(word)

    def cases(self) -> Iterator[Case]:
        """Yield a case for about every question."""
        for paragraph, asked in enumerate(self._asked):
            for one in asked:
                question, answer = " ".join(one["question"].split()), one["answers"][0]
                start, end = answer["answer_start"], answer["answer_start"] + len(answer["text"])
                inside = [at for at, (s, e) in enumerate(self._spans[paragraph]) if s <= start and end <= e]
                if inside and len(question) >= 10:
                    case = self._case(question, paragraph, inside[0], (start, end))
                    yield replace(case, question=self.clipped(case.question)) if self._often(CLIPPED) else case

    def _often(self, share: float) -> bool:
        return self._random.random() < share

    def clipped(self, question: str) -> str:
        """The question as it is typed in haste: without some of the words that say nothing by themselves."""
        first, *others = question.rstrip(" ?").split()
        return " ".join([first, *(word for word in others if word.lower() not in _FILLING or self._often(0.5))]) + "?"

    def _case(self, question: str, paragraph: int, sentence: int, answer: tuple[int, int]) -> Case:
        text, offset = self._window(paragraph, sentence)
        place = answer[0] - offset, answer[1] - offset
        plain = Case("answered", self._title, question, text, place)
        way = self._random.choices(list(SHARES), list(SHARES.values()))[0]
        if way in ("elsewhere", "beside"):
            other = self._alike(question, text[slice(*place)], paragraph, sentence, beside=way == "beside")
            return Case(way, self._title, question, other, None) if other else plain
        if way == "renamed":
            return self._renamed(plain, place) or plain
        if way == "made wrong":
            for one in self._random.sample(WAYS, len(WAYS)):
                if self._often(IN_TEXT) and (changed := self._other_text(one, plain, place)) is not None:
                    return Case(f"text's {one}", self._title, question, changed, None)
                wrong = self.wrong(one, question, text)
                if wrong is not None and wrong != question:
                    return Case(f"wrong {one}", self._title, wrong, text, None)
        return plain

    def _window(self, paragraph: int, sentence: int) -> tuple[str, int]:
        """A sentence with up to two before it and at times one after it, and where that begins in its paragraph."""
        spans = self._spans[paragraph]
        first, last = window(spans, sentence, self._random, after=(0, 0, 0, 1))
        return self._paragraphs[paragraph][spans[first][0] : spans[last][1]], spans[first][0]

    def _alike(self, question: str, answer: str, paragraph: int, sentence: int, *, beside: bool) -> str | None:
        """A text of the article that shares much with the question and lacks the answer; of the same paragraph if `beside`."""
        wanted, lowered = rough_stems(question), answer.lower()
        scored = [
            (sum(self._rarity[word] for word in sorted(wanted & place.words)), self._random.random(), place)
            for place in self._places
            if lowered not in place.text.lower()
            and (place.paragraph, place.sentence) != (paragraph, sentence)
            and (place.paragraph == paragraph or not beside)
        ]
        if not scored:
            return None
        *_, place = self._random.choice(sorted(scored, key=lambda one: one[:2], reverse=True)[:2])
        text, _ = self._window(place.paragraph, place.sentence)
        return None if lowered in text.lower() else text

    def _renamed(self, plain: Case, place: tuple[int, int]) -> Case | None:
        before, answer, after = plain.text[: place[0]], plain.text[slice(*place)], plain.text[place[1] :]
        names = [n for n in _names(plain.question) if n in plain.text and n not in answer and answer not in n]
        name = self._random.choice(names) if names else ""
        others = self._other_names(plain.question, plain.text, len(name.split()))
        if not names or not others:
            return None
        other = self._random.choice(others)
        before = before.replace(name, other)
        text = before + answer + after.replace(name, other)
        asked = plain.question.replace(name, other)
        return Case("renamed", self._title, asked, text, (len(before), len(before) + len(answer)))

    def _other_text(self, way: str, plain: Case, place: tuple[int, int]) -> str | None:
        """The text changed in this way where it says what the question says; None if it has nothing that could be."""
        sentences = [(s.start, s.end) for s in split(Article("", "", plain.text))]
        begin = max((start for start, _ in sentences if start <= place[0]), default=0)
        end = min((end for _, end in sentences if end >= place[1]), default=len(plain.text))
        head, before, answer = plain.text[:begin], plain.text[begin : place[0]], plain.text[slice(*place)]
        after, tail = plain.text[place[1] : end], plain.text[end:]
        possible = self._swaps_in_text(way, plain, before, after)
        swaps = {
            word: others
            for word, others in possible.items()
            if others and _has(f"{before} {after}", word) and word not in self._title
        }
        if not swaps:
            return None
        word = self._random.choice(sorted(swaps))
        other = self._random.choice(swaps[word])
        if way == "negation":
            if _has(before, word):
                before = _with(before, word, other)
            else:
                after = _with(after, word, other)
            return head + before + answer + after + tail
        before, after = _with(before, word, other, 0), _with(after, word, other, 0)
        if way != "opposite":  # what is told of a name elsewhere in the text would still be told of it
            head, tail = _with(head, word, other, 0), _with(tail, word, other, 0)
        return head + before + answer + after + tail

    def _swaps_in_text(self, way: str, plain: Case, before: str, after: str) -> Mapping[str, Sequence[str]]:
        """What may stand for words of the sentence around the answer, so that it no longer says what is asked."""
        question = plain.question
        if way == "negation":
            verbs = list(_VERB.finditer(before)) + list(_VERB.finditer(after))
            if not verbs or _DENIES.search(question + plain.text):
                return {}
            verb = verbs[-1 if self._often(0.5) else 0].group()
            return {verb: [f"{verb} not", f"{verb} never"]}
        if way == "number":
            return {
                number: [str(abs(int(number) + self._random.choice((-20, -10, -2, -1, 1, 2, 10, 20))))]
                for number in _NUMBER.findall(question)
                if number.isdigit() and len(number) > 1
            }
        if way == "name":
            return {name: self._other_names(question, plain.text, len(name.split())) for name in _names(question)}
        if way == "opposite":
            return {word: OPPOSITES.get(word, ()) for word in re.findall(r"[a-z]+", question)}
        return {}

    def wrong(self, way: str, question: str, text: str) -> str | None:
        """The question made wrong in this way; None if it has nothing that could be."""
        there = text.lower()
        if way == "number":
            return self._other_number(question, text)
        if way == "asked":
            first = next((one for one in _WHY if re.match(rf"{one} (?:did|do|does|is|are|was|were)\b", question)), None)
            others = [one for one in _WHY.get(first or "", ()) if one != "When" or not _DATED.search(text)]
            return f"{self._random.choice(others)}{question[len(first) :]}" if first and others else None
        if way == "name":
            swaps = {name: self._other_names(question, text, len(name.split())) for name in _names(question)}
        elif way == "opposite":
            swaps = {word: list(OPPOSITES.get(word, ())) for word in re.findall(r"[a-z]+", question)}
        elif way == "word":
            swaps = {
                word: [one for one in self._words[_ending(word)] if one[:5] not in there and one not in question]
                for word in _plain_words(question)
                if word[:5] in there
            }
        else:
            verbs = [] if _DENIES.search(question + text) else _VERB.findall(question)[:1]
            swaps = {verb: [f"{verb} not", f"{verb} never"] for verb in verbs}
        swaps = {word: others for word, others in swaps.items() if others}
        if not swaps:
            return None
        word = self._random.choice(list(swaps))
        return _with(question, word, self._random.choice(swaps[word]))

    def mistaken(self, question: str, text: str, answer: str) -> str | None:
        """The question asked of another name that `text` knows, but for the answer's and the title's; None if it has none."""
        taken = set(f"{question} {answer} {self._title}".lower().split())
        others = [name for name in self._names if _has(text, name) and not set(name.lower().split()) & taken]
        names = [name for name in _names(question) if _has(text, name)]
        if not names or not others:
            return None
        name = self._random.choice(names)
        return _with(question, name, self._random.choice(_of_words(others, len(name.split()))))

    def _other_number(self, question: str, text: str) -> str | None:
        numbers = [number for number in _NUMBER.findall(question) if number.isdigit()]
        if numbers:
            number = self._random.choice(numbers)
            step = self._random.choice((1, 2, 3, 5, 10) if len(number) < 4 else (1, 2, 5, 10, 20, 50, 100))
            other = str(abs(int(number) + self._random.choice((-step, step))))
            return None if other in text else _with(question, number, other)
        months = [month for month in _MONTHS if _has(question, month)]
        others = [month for month in _MONTHS if month not in text and month not in question]
        return _with(question, months[0], self._random.choice(others)) if months and others else None

    def _other_names(self, question: str, text: str, words: int) -> list[str]:
        """Names from the article's other questions that are not in these texts, of as many words if there are any."""
        asked, there = set(question.lower().split()), text.lower()
        others = [name for name in self._names if name.lower() not in there and not set(name.lower().split()) & asked]
        return _of_words(others, words)


def _opposites() -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for pair in _OPPOSITES.split("|"):
        one, other = pair.split()
        found[one].append(other)
        found[other].append(one)
    return dict(found)


OPPOSITES: Mapping[str, Sequence[str]] = _opposites()


def _names(question: str) -> list[str]:
    """Runs of capitals that do not begin the question."""
    return [name for found in _NAME.finditer(question) if (name := found.group().strip(" .,?"))]


def _of_words(names: list[str], many: int) -> list[str]:
    """The names of so many words; all of them if there are none."""
    return [name for name in names if len(name.split()) == many] or names


def _plain_words(question: str) -> list[str]:
    known = {word.lower() for word in content_words(question)}
    return [word for word in _WORD.findall(question)[1:] if word.islower() and len(word) > 3 and word in known]


def _ending(word: str) -> str:
    return next((end for end in _ENDINGS if word.endswith(end) and len(word) > len(end) + 2), "")


def _has(text: str, word: str) -> bool:
    return _with(text, word, "") != text


def _with(text: str, word: str, other: str, count: int = 1) -> str:
    """The text with another word; in its first `count` places, in all if 0."""
    return re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", lambda _: other, text, count=count)
