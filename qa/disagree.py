"""Where articles give different values for what was asked: "killed 1,200" on 2 May, "the death toll rose to 1,900" on 5 May.

Rules in English that would rather be silent than wrong. Two sentences are set side by side only if both have one value of the
asked kind, of the same unit and of the same slot (killed is not injured), speak of what the question names, and of no other
place, year or side. What is rounded, "about" or "more than" is compared as such.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from qa import aspects, facts, senses, values
from qa.abstain import says_something
from qa.types import Citation, Claim, Disagreement, Evidence
from qa.values import Amount, Day

GAP = (
    5.0  # logits of the cross-encoder; a sentence that answers so much worse than the cited one answers something else
)
CORRECTION_GAP = 9.0  # "Correction: it is 14 June" hardly reads as an answer
COVERED = 0.75  # share of the question's content stems that the sentence, its title and the sentences before it say
COVERED_HERE = 0.5  # share of those that are no names, in the sentence itself
SAME_FRAME = 0.7  # shared stems of two sentences without their names, where a name is asked for
LEAST_FRAME = 3  # stems that such sentences share
NEWS_DAYS = 90  # reports of numbers that are further apart are of other events, or of another state of things
MOST_AMOUNTS = 20  # in a sentence that is read for one
MOST = 4  # statements that are shown

Value = Amount | Day | str  # a str is a name
Kind = Literal["count", "sum", "day", "name"]

# What a report is about: two sentences that name different ones of these are of different events.
_EVENTS = """
    quake flood fire storm hurricane typhoon cyclone tornado landslide avalanche tsunami eruption drought heatwave
    attack bombing blast explosion shooting strike war battle siege riot crash collision derailment collapse outbreak epidemic
    election vote referendum match final tournament race festival merger
"""
# What happens once: its day does not depend on the year that is spoken of.
_ONCE = "bear born birth die found establish create build invent marry assassinate execute publish release collapse sink crash"
_PERIODIC = (
    "revenue profit sale earning population inflation temperature rate unemployment gdp budget turnover attendance"
)

_COUNT = re.compile(
    r"\bhow many\s+(?P<noun>.+)|\b(?:total )?number of\s+(?P<of>.+)|\b(?:death )?(?P<toll>toll)\b", re.IGNORECASE
)
_SUM = re.compile(
    r"\bhow much\b|\bwhat (?:percentage|percent|share|proportion|sum|amount)\b|\bwhat (?:is|was|were|are) the (?:\w+ ){0,2}"
    r"(?:cost|price|value|fine|budget|bill|sum|amount|fee|percentage|share)\b",
    re.IGNORECASE,
)
_DAY = re.compile(
    r"^\W*(?:and |but |so )?(?:since |until )?when\b|\b(?:what|which) (?:year|date|day|month)\b"
    r"|\bwhat (?:is|was) the (?:\w+ ){0,2}date\b",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"^\W*(?:and |but |so )?(?:in |at |to |from |by |for |with )?(?:whom?|where)\b"
    r"|^\W*(?:in |at |to |from )?(?:which|what)"
    r" (?:city|town|country|state|company|firm|person|man|woman|team|party|village|region)\b",
    re.IGNORECASE,
)
_NOUN_ENDS = frozenset(
    """
    did do does are is were was have has had will would can could may might should in on at of to for from by with that who
    die died killed injured arrested
    """.split()  # noqa: SIM905 (read as prose)
)
_ASKING = frozenset(
    """
    number total percentag percent share proport sum amount money year date day month
    """.split()  # noqa: SIM905 (stems, read as prose)
)

_UNSURE = re.compile(
    r"\b(?:(?-i:may)|might|could|would|feared?|expect\w*|plan\w*|project(?:ed|ion)\w*|forecast\w*|predict\w*|likely|if|aim\w*"
    r"|target\w*|hop(?:e|es|ed|ing)|propos\w*|was to|were to|origin\w*|initial\w*|at first|previous\w*|formerly"
    r"|rumou?r\w*|claim\w*|goal|asked|estimat\w*|valued at|put at|budgeted)\b",
    re.IGNORECASE,
)
_BOUND_DAY = re.compile(r"\b(?:after|before|since|until|till|by|of|from|than|between)\s+(?:the\s+)?$", re.IGNORECASE)
# A part of a whole: a value of the one is none of the other.
_SCOPES = """
    region province county district state country nation suburb area metropolitan continent world
    child children woman women man men adult student pupil foreigner civilian soldier officer
    day daily week weekly month monthly year yearly annual quarter half hour
    second third fourth fifth
"""
_ROLES = "vice deputy assistant former acting"
_INCLUDED = re.compile(r",?\s*\b(?:including|among them|of whom)\b[^;.]*", re.IGNORECASE)
_ATTRIBUTION = re.compile(r",\s*(?:[\w’'.-]+\s+){1,6}?(?:said|says|told|reported|announced)\b[^,;.]*", re.IGNORECASE)
_PLACED = re.compile(r"\b(?:in|at|near|across|around|outside|from|of|against|versus)\s+(?:the\s+)?([A-Z][\w’'-]+)")
_CORRECTION = re.compile(
    r"(?:^|[.(\[]\s*)(?:[\w’']+ )?corrections?\b[^.:;]{0,40}[:—–]"
    r"|\b(?:issued?|published?|ran|carried|printed|appended) a correction\b"
    r"|\b(?:earlier|previous) (?:version|report|story|article|edition|figure)\b.{0,80}"
    r"\b(?:wrong|incorrect|misstat|mistake|gave|said|stated|reported|put)|\b(?:has|have) been (?:corrected|amended)\b"
    r"|\b(?:wrongly|incorrectly|mistakenly) (?:gave|said|stated|reported|put)\b|\bmisstated\b",
    re.IGNORECASE,
)
_STRONG_BREAK = re.compile(r"[;:—–]|\.\s|,? but\b|\bin fact\b|\bshould (?:be|have (?:been|said|read))\b|,? when\b")
_WRONG = re.compile(
    r"\b(?:earlier|previous\w*|wrong\w*|incorrect\w*|misstat\w*|mistaken\w*|originally)\b", re.IGNORECASE
)
_NOT = re.compile(r"\b(?:not|instead of|rather than)\s+(?:[\w$€£]+\s+){0,3}$", re.IGNORECASE)


def disagreement(question: str, evidence: Sequence[Evidence], claims: Iterable[Claim]) -> Disagreement | None:
    """Return what the evidence says against the shown claims' value of the asked thing; None where nothing is sure.

    The statements are of different articles, or one is a correction; each has a value of its own.
    """
    asked = _asked(question)
    evidence = [one for one in evidence if not _staged(one)]
    by_label = {one.label: one for one in evidence}
    if asked is None:
        return None
    for claim in claims:
        for citation in claim.citations[:1] if len(claim.citations) == 1 else ():
            cited = by_label.get(citation.label)
            if cited is not None and (found := _against(asked, claim.text, cited, evidence)):
                return _told(citation, cited, found)
    return None


def _staged(one: Evidence) -> bool:
    """True for what states nothing: a made-up turn, an order, a question."""
    return not says_something(one) or one.text.rstrip('"”’ ').endswith("?")


def note(found: Disagreement) -> str:
    """Return the disagreement in a sentence: "The articles differ: 1,200 (2 May 2024), later 1,900 (5 May 2024)."."""
    parts = []
    before: date | None = None
    for at, (statement, value) in enumerate(zip(found.statements, found.values, strict=True)):
        day = statement.date
        source = f"{day.day} {day:%B %Y}" if day else statement.title or statement.article_id
        word = "corrected: " if at == found.correction else "later " if day and before and day > before else ""
        parts.append(f"{word}{value} ({source})")
        before = day or before
    return f"The articles differ: {', '.join(parts)}."


# --- what is asked -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Asked:
    """The slot that the question leaves open."""

    kind: Kind
    noun: str  # the stem of what is counted; "" otherwise
    stems: frozenset[str]  # all content of the question, words of one meaning as one
    plain: frozenset[str]  # those that are no names
    names: frozenset[str]
    harm: str | None


def _asked(question: str) -> _Asked | None:
    noun = ""
    kind: Kind
    if count := _COUNT.search(question):
        kind = "count"
        noun = "peopl" if count["toll"] else _head(count["noun"] or count["of"])
        if not noun:
            return None
    elif _SUM.search(question):
        kind = "sum"
    elif _DAY.search(question):
        kind = "day"
    elif _NAME.search(question):
        kind = "name"
    else:
        return None
    names = frozenset(facts.names(question))
    stems = senses.stems(question) - _ASKING - {senses.sense("people")}  # "killed 1,200" counts people without the word
    plain = stems - senses.stems(" ".join(names))
    harm = next((word for word in senses.HARM if senses.sense(word) in stems), None)
    return _Asked(kind, senses.sense(noun), frozenset(stems), frozenset(plain), names, harm)


def _head(words: str) -> str:
    """The stem of what "red trucks did ..." and "homes lost power" count: the first plural, else the last word before a verb."""
    head = ""
    for word in re.findall(r"[\w’'-]+", words):
        if word.lower() in _NOUN_ENDS:
            break
        head = word
        if senses.sense(word) == senses.sense("people") or (word[-1:] == "s" and word[-2:-1] not in ("s", "u", "i")):
            break
    return facts.stem(head)


# --- the value of a sentence -------------------------------------------------------------------------------------------


def _value(asked: _Asked, one: Evidence) -> Amount | Day | None:
    """The one value that the sentence gives for the slot; None where there is none, or more than one."""
    if asked.kind == "day":
        days = [day for day in values.days(one.text, one.date) if not _BOUND_DAY.search(one.text[: day.start])]
        return days[0] if days and all(values.same_day(days[0], day) for day in days[1:]) else None
    found = values.amounts(one.text)
    if len(found) > MOST_AMOUNTS:
        return None  # a row of a table
    amounts = [amount for amount in found if _fills(asked, amount, one.text)]
    if not amounts or not all(values.same_amount(amounts[0], other) for other in amounts[1:]):
        return None
    return amounts[0]


def _fills(asked: _Asked, amount: Amount, text: str) -> bool:
    """True if the number is of the asked kind, noun and harm."""
    if asked.kind == "sum":
        return bool(amount.unit)
    if amount.unit or not _counts(asked, amount, text):
        return False
    if asked.harm is None and asked.noun != senses.sense("people"):
        begin, end = values.clause(amount, text)
        others = asked.plain - {asked.noun}
        # "tested 340 athletes and banned some": what is asked about them stands in another clause
        return 2 * len(others & senses.stems(text[begin:end])) > len(others & senses.stems(text))
    return _harmed(asked, amount, text)


def _counts(asked: _Asked, amount: Amount, text: str) -> bool:
    """True if the number counts the noun, or stands alone where the noun is said elsewhere."""
    clause = values.CLAUSE.split(text[amount.end :], maxsplit=1)[0]
    following = re.findall(r"[^\W\d_][\w’'-]*", clause)[:3]
    ends = next(
        (at for at, word in enumerate(following) if word.lower() in _NOUN_ENDS or senses.harms(word)),
        len(following),
    )
    counted = [senses.sense(word) for word in following[:ends]]
    if counted:
        return asked.noun in counted
    return asked.noun == senses.sense("people") or asked.noun in senses.stems(text)


def _harmed(asked: _Asked, amount: Amount, text: str) -> bool:
    """True if what happened to the counted ones is what is asked: the nearest such word of the clause, else of the sentence."""
    if (asked.noun != senses.sense("people")) and asked.harm is None:
        return True
    begin, end = values.clause(amount, text)
    wanted = senses.sense(asked.harm) if asked.harm else None
    for first, last, nearest in ((begin, end, True), (0, len(text), False)):
        near = [
            (min(abs(m.start() - amount.end), abs(amount.start - m.end())), senses.sense(m.group()))
            for m in re.finditer(r"[^\W\d_]+", text[:last])
            if m.start() >= first and senses.harms(m.group())
        ]
        if near:
            return min(near)[1] == wanted and (nearest or len({sense for _, sense in near}) == 1)
    return wanted is None


def _same(one: Value, other: Value) -> bool:
    if isinstance(one, Day) and isinstance(other, Day):
        return values.same_day(one, other)
    if isinstance(one, Amount) and isinstance(other, Amount):
        return values.same_amount(one, other)
    return one == other


# --- two sentences -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Statement:
    evidence: Evidence
    value: Value
    corrects: bool = False

    @property
    def written(self) -> str:
        return self.value if isinstance(self.value, str) else self.value.written


def _against(asked: _Asked, claim: str, cited: Evidence, evidence: Sequence[Evidence]) -> list[_Statement]:
    """The cited statement and those that differ from it and from each other; empty if there are none."""
    if asked.kind == "name":
        return _other_names(asked, claim, cited, evidence)
    corrected = _corrects(cited)
    own = _corrected_value(asked, cited, None) if corrected else _value(asked, cited)
    if own is None or not _about(asked, cited, corrected=corrected):
        return []
    found = [_Statement(cited, own, corrected)]
    same_article = [one for one in evidence if one.article_id == cited.article_id and not _corrects(one)]
    own_article = [value for one in same_article if (value := _value(asked, one)) is not None]
    # A correction's own article may repeat what was wrong; the article that was wrong is the better witness.
    for other in sorted(evidence, key=lambda one: (one.article_id == cited.article_id, -one.score)):
        correction = _corrects(other)
        value = _corrected_value(asked, other, own) if correction else _value(asked, other)
        if value is None or not _comparable(own, value) or any(_same(value, one.value) for one in found):
            continue
        either = corrected or correction
        if (other.article_id == cited.article_id and not either) or other.label == cited.label:
            continue
        if not either and any(other.article_id == one.evidence.article_id for one in found):
            continue
        if not either and any(_same(value, own_too) for own_too in own_article):
            continue  # the cited article gives this value as well: an account of what changed
        least = cited.score - (CORRECTION_GAP if either else GAP)
        if other.neighbour or other.score < least or not _about(asked, other, corrected=correction):
            continue
        if either or (_one_thing(asked, cited, other) and _one_time(asked, (cited, own), (other, value))):
            found.append(_Statement(other, value, correction))
    return found[:MOST] if len(found) > 1 else []


def _comparable(one: Value, other: Value) -> bool:
    return not isinstance(one, Amount) or (isinstance(other, Amount) and one.unit == other.unit)


def _about(asked: _Asked, one: Evidence, *, corrected: bool) -> bool:
    """True if the sentence, with its title and what stands before it, speaks of all that the question names."""
    around = f"{one.text} {one.title} {one.context}"
    there = senses.stems(around)
    if not asked.stems or (missing := senses.stems(" ".join(asked.names)) - there) - set(facts.content_stems(around)):
        return False
    share = len(asked.stems & there) / len(asked.stems)
    here = len(asked.plain & senses.stems(one.text)) / len(asked.plain) if asked.plain else 1.0
    if corrected:
        return share >= COVERED_HERE and not missing
    return share >= COVERED and here >= (COVERED_HERE if asked.harm else COVERED)


def _one_thing(asked: _Asked, one: Evidence, other: Evidence) -> bool:
    """True if nothing in the two sentences speaks of another place, side, certainty or part."""
    arounds = [f"{e.text} {e.title} {e.context}" for e in (one, other)]
    known = [set(facts.names(around)) for around in arounds]
    if not asked.names and not _calendar_free(known[0] & known[1]):
        return False
    events = [senses.stems(e.text) & {senses.sense(word) for word in _EVENTS.split()} for e in (one, other)]
    if events[0] and events[1] and not events[0] & events[1]:
        return False
    for mine, theirs in ((one, 1), (other, 0)) if not _once(asked) else ():
        told = _ATTRIBUTION.sub("", mine.text)
        placed = {facts.folded(name).removesuffix("'s") for name in _PLACED.findall(told)}
        if _calendar_free(placed) - known[theirs] - asked.names - set(facts.folded(arounds[theirs]).split()):
            return False
    plain = [_ATTRIBUTION.sub("", _INCLUDED.sub("", e.text)) for e in (one, other)]
    return not _differ(plain, arounds, asked) and _same_way(one.text, other.text)


def _same_way(one: str, other: str) -> bool:
    """True if both are told as certain, or neither, and do not say opposite things."""
    unsure = bool(_UNSURE.search(one)) != bool(_UNSURE.search(other))
    return not unsure and not facts.contrary(one, other) and facts.negated(one) == facts.negated(other)


def _differ(plain: Sequence[str], arounds: Sequence[str], asked: _Asked) -> bool:
    """True if only one speaks of a part or a deputy, or each names somebody that nothing around the other one knows."""
    apart = _ROLES if asked.kind == "day" else f"{_ROLES} {_SCOPES}"  # "the first day of May" is a day like any other
    parts = [(senses.stems(text) & {senses.sense(word) for word in apart.split()}) - asked.stems for text in plain]
    if parts[0] != parts[1] or asked.kind == "day":
        return parts[0] != parts[1]
    there = [set(re.findall(r"[^\W_]+", facts.folded(around))) | asked.names for around in arounds]
    return all(
        {part for name in _calendar_free(set(facts.names(text))) for part in re.findall(r"[^\W_]+", name)} - others
        for text, others in zip(plain, reversed(there), strict=True)
    )


def _calendar_free(names: set[str]) -> set[str]:
    return {name for name in names if name not in facts.MONTHS and name not in facts.WEEKDAYS}


def _once(asked: _Asked) -> bool:
    """True if the asked thing happens once, so that neither year nor place tells it from another of its kind."""
    return asked.kind == "day" and bool(asked.stems & {senses.sense(word) for word in _ONCE.split()})


def _one_time(asked: _Asked, cited: tuple[Evidence, Value], other: tuple[Evidence, Value]) -> bool:
    """True if both speak of the same event or state, as far as their dates can tell."""
    (one, mine), (two, theirs) = cited, other
    apart = abs((one.date - two.date).days) if one.date and two.date else None
    if isinstance(mine, Day) and isinstance(theirs, Day):
        return _one_day(asked, (one, mine), (two, theirs))
    spoken = [{day.year for day in values.days(e.text, None) if day.year} for e in (one, two)]
    if any(spoken):
        years = [said or ({e.date.year} if e.date else set()) for said, e in zip(spoken, (one, two), strict=True)]
        return bool(years[0] & years[1])
    periodic = bool(asked.stems & {senses.sense(word) for word in _PERIODIC.split()})
    return apart <= (values.ARTICLE_DAYS if periodic else NEWS_DAYS) if apart is not None else not periodic


def _one_day(asked: _Asked, cited: tuple[Evidence, Day], other: tuple[Evidence, Day]) -> bool:
    """True if two days can be told of one event: not this week's and last week's meeting, nor a plan and what came of it."""
    (one, mine), (two, theirs) = cited, other
    apart = abs((one.date - two.date).days) if one.date and two.date else None
    if facts.looks_ahead(one.text) != facts.looks_ahead(two.text):
        return False
    told = [day.year or (e.date.year if e.date else None) for day, e in ((mine, one), (theirs, two))]
    if not _once(asked) and None not in told and told[0] != told[1]:
        return False  # another year's festival
    told_at_once = values.near(mine, one.date) and values.near(theirs, two.date)
    if (mine.relative or theirs.relative or told_at_once) and not facts.looks_ahead(one.text):
        return apart is not None and apart <= values.ARTICLE_DAYS // 2
    return True


# --- names -------------------------------------------------------------------------------------------------------------


def _other_names(asked: _Asked, claim: str, cited: Evidence, evidence: Sequence[Evidence]) -> list[_Statement]:
    """As `_against`, where a name is asked for: sentences that are the same but for one name."""
    for other in sorted(evidence, key=lambda one: -one.score):
        if other.article_id == cited.article_id or other.neighbour or other.score < cited.score - GAP:
            continue
        if not _about(asked, cited, corrected=False) or not _about(asked, other, corrected=False):
            continue
        mine, theirs = _unmatched(asked, cited, other), _unmatched(asked, other, cited)
        if len(mine) != 1 or len(theirs) != 1 or facts.folded(mine[0]) not in facts.folded(claim):
            continue
        frames = [senses.stems(e.text) - senses.stems(name) for e, name in ((cited, mine[0]), (other, theirs[0]))]
        shared = len(frames[0] & frames[1])
        alike = shared >= LEAST_FRAME and shared >= SAME_FRAME * max(map(len, frames))
        alike = alike or (frames[0] == frames[1] and shared == LEAST_FRAME - 1)
        if (
            alike
            and _same_place(cited.text, mine[0], other.text, theirs[0])
            and _one_thing_but(asked, (cited, mine[0]), (other, theirs[0]))
        ):
            return [_Statement(cited, mine[0]), _Statement(other, theirs[0])]
    return []


def _same_place(one: str, name: str, other: str, its_name: str) -> bool:
    """True if the names stand before or after the same word: "born in Lund", not "the king of Lund"."""
    before, after = zip(
        *(re.split(re.escape(text), sentence, maxsplit=1) for sentence, text in ((one, name), (other, its_name))),
        strict=True,
    )
    words = [re.findall(r"[^\W_]+", facts.folded(text)) for text in (*before, *after)]
    return words[0][-1:] == words[1][-1:] or (words[2][:1] == words[3][:1] != [])


def _unmatched(asked: _Asked, one: Evidence, other: Evidence) -> list[str]:
    """The names in `one` that neither the question nor anything around `other` has."""
    there = set(re.findall(r"[^\W_]+", facts.folded(f"{other.text} {other.title} {other.context}")))
    runs = [run for name in aspects.names(one.text) for run in re.split(r" (?:in|on|to|from|for|and|a) ", name)]
    return [
        f"{name}." if "." in name and f"{name}." in one.text else name  # "U.S."
        for name in runs
        if not (parts := set(re.findall(r"[^\W_]+", facts.folded(name)))) & there
        and not parts & asked.names
        and _calendar_free(parts)
        and set(facts.names(f"so {name}"))
    ]


def _one_thing_but(asked: _Asked, one: tuple[Evidence, str], other: tuple[Evidence, str]) -> bool:
    """As `_one_thing`, with the two names left out; the same numbers in both."""
    bare = [e.text.replace(name, "...") for e, name in (one, other)]
    numbers = [facts.numbers(text) for text in bare]
    fewer = numbers[0] <= numbers[1] or numbers[1] <= numbers[0]
    return fewer and bool(asked.names or asked.plain) and _same_way(*bare)


# --- corrections -------------------------------------------------------------------------------------------------------


def _corrects(one: Evidence) -> bool:
    """True if the sentence says that it corrects something, or goes on from one that does ("It is 14 June.")."""
    before = one.context.rstrip().rsplit(". ", 1)[-1]
    goes_on = re.match(r"(?:It|There|They|The (?:correct|right)|In fact)\b", one.text)
    return bool(_CORRECTION.search(one.text) or (goes_on and _CORRECTION.search(before)))


def _corrected_value(asked: _Asked, one: Evidence, wrong: Value | None) -> Amount | Day | None:
    """The value that a correction gives as the right one; None where it is not sure."""
    right: list[Amount | Day] = []
    at = 0
    breaks = [(m.start(), m.end()) for m in _STRONG_BREAK.finditer(one.text)]
    for start, end in [*breaks, (len(one.text), len(one.text))]:
        clause = one.text[at:start]
        if not _WRONG.search(clause):
            found: Sequence[Amount | Day] = (
                values.days(clause, one.date) if asked.kind == "day" else values.amounts(clause)
            )
            right += [value for value in found if not _NOT.search(clause[: value.start])]
        at = end
    right = [value for value in right if wrong is None or _comparable(wrong, value)]
    if asked.kind == "sum":
        right = [value for value in right if isinstance(value, Amount) and value.unit]
    return right[0] if right and all(_same(right[0], value) for value in right[1:]) else None


# --- the result --------------------------------------------------------------------------------------------------------


def _told(citation: Citation, cited: Evidence, found: Sequence[_Statement]) -> Disagreement:
    def place(one: _Statement) -> tuple[date, bool, int]:
        return one.evidence.date or date.min, one.corrects, one.evidence.label

    ordered = sorted(found, key=place)
    statements = tuple(citation if one.evidence is cited else one.evidence.cited() for one in ordered)
    corrects = [at for at, one in enumerate(ordered) if one.corrects]
    return Disagreement(statements, tuple(one.written for one in ordered), corrects[-1] if corrects else None)
