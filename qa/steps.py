"""A question that takes two look-ups, in two: "Who founded the company that built the bridge?".

It asks which company built the bridge, and who founded that one. No sentence answers such a question by itself, and a small model
refuses it. Asked one after the other, each of the two is a question of its own, answered and proven like any other. The parting
is by rule, as DecompRC (Min et al., ACL 2019) parts a question at the span that a simpler one asks for, here with the grammar of
English instead of a trained pointer. It is parted at

- a noun with a clause: "the town where Lind was born", "the firm founded by Stahl", "the film Lind directed";
- a noun of a name: "the director of Silent Harbour", "Lind's company";
- a noun in whose clause the word of asking stands: "Lind works for an institute based in which city?".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from qa import compare, facts, kinds

MOST = 2  # ways of parting one question
LONGEST = 240  # characters of a question that is looked at
LEADS_IN = 8  # words before the word of asking: "At the 2011 census, what ..."

_Form = Literal["bare", "past", "finite"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PREPOSITIONS = _words(
    """
    of in on at by for from to with into onto about after before during under over near as against through between since
    behind
    """
)
_BE, _HAVE = _words("is are was were"), _words("has have had")
_HELPERS = _BE | _HAVE | _words("do does did will would can could may might must should")
_ASKS = _words("who whom whose what which where when why how whats whos what's who's where's what’s who’s where’s")
_RELATIVE = _words("who whom whose that which where")
_ARTICLES = _words("the a an")
_ADVERBS = _words("also now once ever still already later not just only")  # "first" may belong to a noun
_PRONOUNS = _words("that this these those he she it they his her its their i we you him them")
# No part of a noun and what stands between it and its article.
_NO_NOUN = _PREPOSITIONS | _HELPERS | _ASKS | _ARTICLES | _ADVERBS | _PRONOUNS | _words("and or but than be been")
# Verbs as they stand after "did"; those with a past of their own are in `facts`.
_BARE = _words(
    """
    live work study play move die start open close join retire resign cost earn own use need serve marry attend graduate publish
    receive produce design found create direct compose release score vote plan announce want say call happen end belong employ
    carry cover reach measure weigh date stay return arrive travel train learn succeed replace appear perform record promise
    propose refuse hope believe drown specialise specialize describe compare treat enter decide agree save lecture preach
    farm sail row dissolve paint invent discover recommend suggest warn promote manage coach edit claim argue share support
    help visit host house contain include export import raise collect donate invest launch change rename merge cross stop flow
    border lie go get come do have be put cut set read let hit quit bet cast spread make take
    """
)
_PERSON = re.compile(
    r"(?:wo)?m[ae]n|persons?|people|boy|girl|wife|husband|spouse|mother|father|son|daughter|brother|sister|child|chief|head"
    r"|mayor|captain|coach|pilot|king|queen|guard|nurse|judge|chef|host|star|\w{2,}(?:er|or|ist|ian|eer|ress|man|woman|ant|dent)",
    re.IGNORECASE,
)
_NO_PERSON = _words(
    """
    river tower harbour harbor computer paper newspaper number theater theatre centre center newsletter letter chapter disaster
    order tanker ferry cluster water border quarter manor motor plant restaurant accident power summer winter master error
    """
)
_PLACES = _words(
    """
    town city village country state county province region district place island area continent suburb municipality port
    neighbourhood neighborhood community nation territory
    """
)
# What somebody, or something, has one of; "the city of Bergen" is Bergen itself.
_ONE_OF = _words("birthplace hometown capital sequel successor headquarters employer subject")
_OWN = (
    _ONE_OF
    | _PLACES
    | _words(
        """
        company firm label team club party school university institute agency paper bank band film novel book album song street
        """
    )
)
# "The probability that it rains" says what the probability is of, and not which.
_TOLD_BY_CLAUSE = _words(
    "fact idea claim probability chance belief hope news report rule view opinion evidence sign thought theory day time year"
)
_NOTHING_ASKED = frozenset(map(facts.stem, _words("name full call person one thing kind type")))


@dataclass(frozen=True, slots=True)
class Steps:
    """A question in two: what is looked up first, and what is then asked of that."""

    first: str
    before: str  # of what the first names, in the question that is left
    after: str

    def then(self, found: str) -> str:
        """Return the question that is left, of what was found."""
        return f"{self.before}{found}{self.after}"


def in_steps(question: str) -> list[Steps]:
    """Return the ways of parting `question` in two, the likeliest first; none where it asks for one thing, or for yes or no.

    An outer clause comes before those within it, and clauses before nouns of names. A follow-up that was given the turn before
    is not parted, nor is a comparison.
    """
    asked = _Asked(" ".join(question.split()).rstrip(" ?.!"))
    if len(asked.text) > LONGEST or not asked.asks or kinds.without_turn(question) != question:
        return []
    if kinds.kind(question) == "yes-no" or compare.comparison(question) is not None:
        return []
    end = "" if kinds.hasty(question) else "?"
    found = (*_by_clause(asked), *_by_noun(asked))
    return list(dict.fromkeys(Steps(f"{one.first}{end}", one.before, f"{one.after}{end}") for one in found))[:MOST]


@dataclass(frozen=True, slots=True)
class _Word:
    """A word of a question, with its range there, as written, and in small letters without marks around it."""

    start: int
    end: int
    written: str

    @property
    def plain(self) -> str:
        return self.written.strip(",;:'\"“”‘’()").lower()

    @property
    def capital(self) -> bool:
        return self.written.lstrip("'\"“‘(")[:1].isupper()

    @property
    def closes(self) -> bool:
        """True if a comma or the like follows: a noun ends here."""
        return self.written[-1] in ',;:"”)'


class _Asked:
    """A question as words."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words = [_Word(match.start(), match.end(), match.group()) for match in re.finditer(r"\S+", text)]

    @cached_property
    def asks(self) -> list[int]:
        """The places of what may be words of asking. The rest takes it that there is one."""
        return [at for at, word in enumerate(self.words) if word.plain in _ASKS]

    @cached_property
    def asking(self) -> int:
        """The place of the word of asking: at the beginning, perhaps after "in", "at the census,"; else the last one."""
        lead = self.words[: self.asks[0]]
        leads_in = len(lead) <= LEADS_IN and bool(lead) and lead[-1].closes
        first = leads_in or all(word.plain in _PREPOSITIONS | {"and", "but", "so"} for word in lead)
        return self.asks[0 if first else -1]

    @cached_property
    def helper(self) -> int | None:
        """The place of the verb before the subject: "when was the man ...", "how many people does the firm ..."."""
        for at in range(self.asking + 1, len(self.words)):
            word = self.words[at].plain
            if word in _HELPERS:
                return at
            if word in _NO_NOUN - {"of"} or self.finite(at):
                return None
        return None

    def part(self, start: int, end: int | None = None) -> str:
        """Return the words from one place to another, as written."""
        words = self.words[start:end]
        return self.text[words[0].start : words[-1].end].strip(" ,") if words else ""

    def noun(self, article: int) -> int:
        """Return the place behind the noun, with what stands between it and its article."""
        at = article + 1
        while at < len(self.words) and self.words[at].plain not in _NO_NOUN:
            at += 1
            if self.words[at - 1].closes:
                break
        return at

    def finite(self, at: int) -> bool:
        """True for what may be a verb with a subject: "built", "builds", and no helper."""
        word = self.words[at]
        return not word.capital and word.plain != "born" and (facts.past(word.plain) or _third_person(word.plain))

    def predicate(self, at: int) -> bool:
        """True for what may be a verb with a subject, helpers too."""
        return self.words[at].plain in _HELPERS or self.finite(at)

    def verb(self, at: int) -> bool:
        """True for what may be the verb that belongs to "did": "go", and whatever the question ends with."""
        word, before = self.words[at], self.words[at - 1].plain
        last = at == len(self.words) - 1 and not word.capital and word.plain not in _NO_NOUN
        return _bare(word.plain) or (last and before not in _PREPOSITIONS | _ARTICLES)

    def clause_end(self, noun: int, start: int) -> int | None:
        """Return the place behind the clause that begins at `start`, of a noun whose article stands at `noun`.

        In "when was the man who shot Bell arrested" it ends where the verb comes that belongs to "was"; in "the man who shot Bell
        lives in which town" before the second verb; else with the question. None where there has to be such a verb and is none.
        """
        form, needed, last = self.left_open(noun)
        if form is None:
            return len(self.words)
        seen = False
        for at in range(start, len(self.words)):
            word = self.words[at].plain
            if form == "finite" and at == self.asking:
                break
            if word in _RELATIVE and at > start and at != self.asking:
                seen = False  # the next verb is that of a clause within
                continue
            if not seen:
                opens = at == start and (_third_person(word) or word.endswith("ing"))
                seen = opens or word in _HELPERS or facts.past(word)
                continue
            before = self.words[at - 1].plain
            follows = before in _HELPERS or before in ("be", "been", "to", "not", "and", "or") or before.endswith("ly")
            fits = {"bare": self.verb(at), "past": facts.past(word), "finite": self.predicate(at)}[form]
            if fits and not follows and not self.words[at].capital and (not last or at == len(self.words) - 1):
                return at
        return None if needed else len(self.words)

    def left_open(self, noun: int) -> tuple[_Form | None, bool, bool]:
        """The form of the verb that is still to come after the noun; whether it must, and must be the last word."""
        if noun and self.words[noun - 1].plain in _RELATIVE and noun - 1 != self.asking:
            return "finite", True, False  # "the town where the man who shot Bell was born"
        if self.asking > noun:
            return ("finite", True, False) if noun == 0 else (None, False, False)
        if self.helper is None or self.helper > noun:
            return None, False, False
        helper, near = self.words[self.helper].plain, self.helper == noun - 1
        if helper in _BE and self._names_or_measures(self.helper):
            return None, False, False
        form: _Form = "past" if helper in _BE | _HAVE else "bare"
        between = range(self.helper + 2, noun)
        if any(facts.past(self.words[at].plain) if form == "past" else self.verb(at) for at in between):
            return None, False, False
        return form, form == "bare", form == "past" and not near

    def _names_or_measures(self, helper: int) -> bool:
        """True for "who is the man ..." and "how old is the man ...", where no further verb belongs to "is"."""
        word, between = self.words[self.asking].plain, helper - self.asking - 1
        return (word in ("who", "what") and between == 0) or (word == "how" and between == 1)

    def asks_for(self, before: int, left: str) -> bool:
        """True if the question without the noun still asks something: not so "who is the man who shot Bell"."""
        words = self.part(0, before)
        if re.search(r"\b(?:which|who|one|some|all|any|each) of$", words, re.IGNORECASE):
            return False
        counts = re.search(r"\bhow\s+\w+", words, re.IGNORECASE) is not None
        return bool(left) or counts or bool(set(facts.content_stems(f"{words} {left}")) - _NOTHING_ASKED)


def _by_clause(asked: _Asked) -> Iterator[Steps]:
    """By a noun and its clause, from left to right."""
    for at, word in enumerate(asked.words):
        if word.plain in _ARTICLES:
            end = asked.noun(at)
            if end > at + 1:
                ways = (_relative, _participle, _of_a_subject, _before_asking)
                yield from (steps for way in ways if (steps := way(asked, at, end)) is not None)


def _relative(asked: _Asked, article: int, end: int) -> Steps | None:
    """By "the town where Lind was born", "the man who shot Bell", "the film which Lind directed"."""
    end = _with_its_place(asked, end)
    prep = asked.words[end].plain if end < len(asked.words) and asked.words[end].plain in _PREPOSITIONS else ""
    at = end + 1 if prep else end
    rel = asked.words[at].plain if at < len(asked.words) else ""
    if rel not in (("which", "whom") if prep else _RELATIVE) or at == asked.asking or at + 1 >= len(asked.words):
        return None
    moved = ""
    last = asked.words[end - 1]
    if end - 1 > article + 1 and facts.past(last.plain) and asked.helper == article - 1:
        moved, end = last.plain, end - 1  # "when was the company founded for which Lind works"
    noun, start = asked.part(article + 1, end), at + 1
    if asked.words[end - 1].capital and asked.noun(article) == end:  # a name needs no looking up
        return None
    its_own = _is_verb(asked, start)
    if rel == "that" and not its_own and _head(noun) in _TOLD_BY_CLAUSE:
        return None
    if asked.asking > at and article:
        return _asked_of_it(asked, article, noun, asked.part(start)) if its_own and not prep else None
    stop = len(asked.words) if moved else asked.clause_end(article, start)
    if stop is None:
        return None
    clause, left = asked.part(start, stop), moved or asked.part(stop)
    if rel == "whose":
        first = f"whose {clause}" if _is_person(noun) else f"which {noun}’s {clause}"
    elif prep:
        first = f"{clause} {prep} which {noun}"
    elif rel == "where":
        first = f"{clause} in which {noun}"
    elif its_own:
        first = f"{_which(noun)} {clause}"
    else:
        first = _named_by(clause, noun)
    return _steps(asked, article, first, left)


def _with_its_place(asked: _Asked, end: int) -> int:
    """Return the place behind "minister of health" and "building in Karsund", where a clause follows; else `end`."""
    if end < len(asked.words) and asked.words[end].plain in ("of", "in", "from", "at"):
        behind = asked.noun(end)
        if behind > end + 1 and behind < len(asked.words) and asked.words[behind].plain in _RELATIVE:
            return behind
    return end


def _participle(asked: _Asked, article: int, end: int) -> Steps | None:
    """By "the company founded by Stahl", "the man arrested in Bergen", "the firm putting up the tower"."""
    for at in range(article + 2, end):
        word, behind = asked.words[at], asked.words[at + 1].plain if at + 1 < len(asked.words) else ""
        if at + 2 < len(asked.words) and asked.words[at + 2].plain in _ASKS and at + 2 != asked.asking:
            return None  # "when was the novel published on which the film is based"
        being = (
            word.plain.endswith("ing")
            and asked.helper != article - 1
            and behind in _ARTICLES | {"up", "out", "off", "for", "in", "on", "with"}
        )
        if not word.capital and (being or (facts.past(word.plain) and behind in _PREPOSITIONS)):
            break
    else:
        return None
    noun = asked.part(article + 1, at)
    if asked.words[at - 1].capital:
        return None
    if asked.asking > at and article:
        return _asked_of_it(asked, article, noun, f"is {asked.part(at)}")
    stop = asked.clause_end(article, at)
    whole = stop == len(asked.words) and asked.helper is not None and asked.helper < article
    if stop is None or (whole and (asked.helper == article - 1 or asked.words[asked.helper or 0].plain in _HAVE)):
        return None  # "when was the bridge built by Stahl"
    first = f"{_which(noun)} {'is' if being else 'was'} {asked.part(at, stop)}"
    return _steps(asked, article, first, asked.part(stop))


def _of_a_subject(asked: _Asked, article: int, end: int) -> Steps | None:
    """By "the country Lind is from", "the film Lind directed", "the town the dentist comes from"."""
    inner = end < len(asked.words) and asked.words[end].plain in _ARTICLES
    start = end if inner else next((at for at in range(article + 2, end) if asked.words[at].capital), end)
    if (start == end and not inner) or asked.words[start - 1].capital or asked.asking > start:
        return None
    verb = next(filter(asked.predicate, range(start + 1, len(asked.words))), None)
    if verb is None:
        return None
    named = all(word.capital or word.plain in ("of", "the", "de", "van", "von") for word in asked.words[start:verb])
    helps = asked.words[verb].plain in _HELPERS
    ends_open = asked.words[-1].plain in _PREPOSITIONS
    if (not inner and not named) or (asked.helper == article - 1 and not (helps or ends_open)):
        return None  # "when was the band Heron formed"
    stop = asked.clause_end(article, start)
    if stop is None or stop <= verb or any(word.plain in _RELATIVE for word in asked.words[start:stop]):
        return None
    return _steps(asked, article, _named_by(asked.part(start, stop), asked.part(article + 1, start)), asked.part(stop))


def _before_asking(asked: _Asked, article: int, end: int) -> Steps | None:
    """By "an album by a singer from which state": the word of asking stands behind the noun."""
    if asked.words[end - 1].capital or any(asked.finite(at) for at in range(article + 1, end)):
        return None
    if end + 1 != asked.asking or asked.words[end].plain not in ("from", "in", "at", "on", "near", "by") or not article:
        return None
    return _asked_of_it(asked, article, asked.part(article + 1, end), f"is {asked.part(end)}")


def _by_noun(asked: _Asked) -> Iterator[Steps]:
    """By "the director of Silent Harbour", the innermost first, and "Lind's company"."""
    for article in reversed(range(asked.asking, len(asked.words))):
        end = asked.noun(article)
        of = end < len(asked.words) and asked.words[end].plain == "of" and end > article + 1
        if asked.words[article].plain in _ARTICLES and of and (steps := _of_a_name(asked, article, end)):
            yield steps
    for owner, word in enumerate(asked.words):
        possessive = word.plain.endswith(("'s", "’s", "s'", "s’")) and word.plain[:-2] not in _ASKS | _PRONOUNS
        if possessive and (steps := _possessed(asked, owner)):
            yield steps


def _of_a_name(asked: _Asked, article: int, of: int) -> Steps | None:
    noun, stop = asked.part(article + 1, of), _name_end(asked, article, of + 1)
    named = asked.text.islower() or any(word.capital for word in asked.words[of + 1 : stop])
    if stop is None or not named or asked.words[of - 1].capital or not _of_its_own(noun):  # "Servant of the People"
        return None
    first = f"{'who' if _is_person(noun) else 'what'} is the {noun} of {asked.part(of + 1, stop)}"
    return _steps(asked, article, first, asked.part(stop))


def _name_end(asked: _Asked, article: int, start: int) -> int | None:
    """Return the place behind the name that begins at `start`; None where its end is not found, or a clause follows."""
    form, needed, last = asked.left_open(article)
    inverted = form if form != "finite" else None
    for at in range(start + 1, len(asked.words)):
        word, before = asked.words[at], asked.words[at - 1]
        if word.plain in _ASKS:
            return None
        if word.capital or before.plain in _ARTICLES | {"and", "or"}:
            continue
        if inverted is None:
            ends = asked.predicate(at)
        elif inverted == "bare":
            ends = asked.verb(at)
        else:  # "what country was the author of Brand a citizen of", "what is the keeper of Karsund Rovers studying"
            ends = facts.past(word.plain) or word.plain in ("a", "an") or word.plain.endswith("ing")
        if ends and (not last or at == len(asked.words) - 1):
            return at
    return None if needed else len(asked.words)


def _possessed(asked: _Asked, owner: int) -> Steps | None:
    first = owner
    while first and asked.words[first - 1].capital and asked.words[owner].capital and not asked.words[first - 1].closes:
        first -= 1
    if first and asked.words[first - 1].plain in _ARTICLES:
        first -= 1
    end = owner + 1
    while end < len(asked.words) and asked.words[end].plain not in _NO_NOUN:
        if end > owner + 1 and (asked.finite(end) or _bare(asked.words[end].plain)):
            break
        end += 1
    if asked.part(end).startswith(("of birth", "of death", "of origin")):
        end += 2
    if end == owner + 1:
        return None
    noun = asked.part(owner + 1, end)
    head = asked.words[end - 1].plain if not noun.endswith((" birth", " death", " origin")) else "birthplace"
    if not (head in _OWN or _of_its_own(noun)) or asked.words[end - 1].capital:
        return None
    return _steps(asked, first, f"{'who' if _is_person(noun) else 'what'} is {asked.part(first, end)}", asked.part(end))


def _steps(asked: _Asked, noun: int, first: str, left: str) -> Steps | None:
    """Both questions; None where nothing is left to ask ("who is the man who shot Bell")."""
    if not asked.asks_for(noun, left) or not facts.content_stems(first):
        return None
    before = asked.part(0, noun)
    return Steps(first, f"{before} " if before else "", f" {left}" if left else "")


def _asked_of_it(asked: _Asked, noun_at: int, noun: str, left: str) -> Steps | None:
    """Both questions where the word of asking stands in the noun's own clause: "Lind works for a firm based in which city"."""
    before = asked.part(0, noun_at)
    says = any(map(asked.predicate, range(noun_at)))
    return Steps(f"{before} which {noun}", "", f" {left}") if says and facts.content_stems(before) else None


def _named_by(clause: str, noun: str) -> str:
    """The question for the noun that its clause is about: "Lind directed which film", "Lind was born in which town"."""
    ends_open = clause.rpartition(" ")[2] in _PREPOSITIONS
    within = "in " if _head(noun) in _PLACES and not ends_open else ""
    return f"{clause} {within}which {noun}"


def _which(noun: str) -> str:
    """How it is asked for a noun: "which woman", but "who" for a man, who may be anybody."""
    return "who" if noun.lower() in ("man", "person", "people", "one") else f"which {noun}"


def _is_person(noun: str) -> bool:
    head = _head(noun)
    return head not in _NO_PERSON and _PERSON.fullmatch(head) is not None


def _of_its_own(noun: str) -> bool:
    """True for what a name has one of: a director, a capital."""
    return _head(noun) in _ONE_OF or (_is_person(noun) and not noun.endswith("s"))


def _head(noun: str) -> str:
    return noun.rpartition(" ")[2].lower()


def _is_verb(asked: _Asked, at: int) -> bool:
    """True where a clause begins with what its noun does: "who shot Bell", but not "that Lind directed"."""
    while at < len(asked.words) and (
        asked.words[at].plain in _ADVERBS | {"first"} or asked.words[at].plain.endswith("ly")
    ):
        at += 1
    if at == len(asked.words) or asked.words[at].capital:
        return False
    word = asked.words[at].plain
    return (
        word in _HELPERS
        or facts.past(word)
        or (word.endswith("s") and not word.endswith("ss") and word not in ("his", "its"))
    )


def _bare(word: str) -> bool:
    return word in _BARE or facts.infinitive(word)


def _third_person(word: str) -> bool:
    """True for "builds" and "goes"."""
    return word.endswith("s") and (_bare(word[:-1]) or (word.endswith("es") and _bare(word[:-2])))
