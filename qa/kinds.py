"""What kind of answer a question wants: what the prompt asks for, how the answer begins, and what it must contain."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date
from decimal import Decimal
from typing import Literal

from qa import dates, facts, senses

Kind = Literal["yes-no", "when", "amount", "several", "other"]

# One line for the kinds that one short sentence does not serve; the prompt's first part is the same for all. A line that asks
# for yes or no makes the small model write that word alone, and wrong in two of four questions: `verdict` tells it instead.
HINTS: dict[Kind, str] = {
    "several": "Take up to three sentences, each with its number.",
}

_HELPERS = r"did|do|does|is|are|was|were|has|have|had|will|would|can|could|may|might|should|shall|must"
_KINDS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("yes-no", re.compile(rf"\W*(?:(?:and|but|so)\s+)?(?:{_HELPERS})\b(?!.*\bor\b)", re.IGNORECASE)),
    (
        "several",
        re.compile(
            r"\W*(?:list|name|summari[sz]e|compare|describe|tell me about"
            r"|what (?:are|were) the (?:main|key|two|three|four|five)\b)"
            r"|.*\b(?:difference between|compared (?:to|with)|main points|what (?:happened|is known)\b)",
            re.IGNORECASE,
        ),
    ),
    ("when", re.compile(r"\W*when\b|.*\b(?:what|which) (?:day|date|year|month)\b", re.IGNORECASE)),
    ("amount", re.compile(
        r".*\bhow (?:many|much|long|old|young|far|large|big|deep|high|often|tall|wide|fast|late|early|cold|hot|warm|heavy|thick"
        r"|strong|steep|loud)\b", re.IGNORECASE)),
)  # fmt: skip
_TURN = re.compile(r"\(asked after: .*\)$", re.DOTALL)
_YES_OR_NO_FIRST = re.compile(r"\W*(yes|no)\b(?=\s*(?:[,.:;!–—]|--|-\s))(?!\.\s?\d+\b(?!,\d))\W*", re.IGNORECASE)
_YES_OR_NO = re.compile(r"(?:yes|no)\b", re.IGNORECASE)
_BARE = re.compile(r"\W*(?:yes|no)\W*", re.IGNORECASE)
_WEEKDAYS = "|".join(name.capitalize() for name in facts.WEEKDAYS)
_MONTHS = "|".join(name.capitalize() for name in facts.MONTHS)
_WEEKDAY = re.compile(rf"\b(?P<day>{_WEEKDAYS})\b(?!,?\s+(?:\d|{_MONTHS}))")
SMALL_NUMBER = 3  # "the first", "two of them": counts up to this are seldom repeated by the sentence that answers
# Words that make a weekday another one than the last or the next.
_ELSEWHEN = re.compile(
    r"\b(?:ago|last|previous|each|every|the week before|weeks? (?:before|earlier)|the (?:day )?before)\b", re.IGNORECASE
)
_COUNTED = re.compile(r"\s+(?:before|after|week|of)\b")
_BULLET = re.compile(r"^\s*(?:[-*•–]|\d{1,2}[.)])\s+")
# What the last verb before a weekday tells: "met on Monday" is the last one, "meets on Monday" and "may meet" are not.
_PAST = frozenset(
    """
    was were had did met said told took made began came went fell rose left held won lost broke found gave got sent saw wrote ran
    stood spoke hit struck led fled paid sold bought brought caught put cut set shot died grew became withdrew
    """.split()  # noqa: SIM905 (read as prose)
)
_NOT_PAST = frozenset(
    """
    will would may might can could shall should must to is are has have opens reopens begins starts takes meets ends closes leaves
    goes comes returns votes decides plans wants expects arrives visits plays runs holds open reopen begin start take meet end
    close leave go come return vote
    """.split()  # noqa: SIM905 (read as prose)
)
# What makes "approved the plan" something that has not happened, or that somebody only says.
_HEDGED = re.compile(
    r"\b(?:may|might|could|would|should|will|if|whether|accus\w+|alleg\w+|rumou?r\w*|claim\w*|plan\w*|propos\w*|expect\w*"
    r"|likely|suspect\w*|(?:tr(?:y|ies|ied|ying)|wants?|wanted|hop\w+|refus\w+|fail\w*|agreed?|aim\w*|order\w*|ask\w*|call\w*"
    r"|due|set|need\w*|has|have|had) to)\b",
    re.IGNORECASE,
)
COUNTED = 6  # words after "how many" that tell what is counted, and what happened to them
LIFE = 45  # years: "(1910-1986)" after a name tells of none between
_CALENDAR = facts.MONTHS.keys() | facts.WEEKDAYS.keys()
# "When do you blind bake a crust?" asks for a condition, and "nothing" is an amount: neither needs a number.
_ON_WHAT_CONDITION = re.compile(r"\W*when (?:do|should|can|must|may|would) (?:you|we|one|i|people)\b", re.IGNORECASE)
_NONE_AT_ALL = re.compile(r"\b(?:nothing|none|nobody|no one|for free|free of charge)\b", re.IGNORECASE)
_ANYONE = re.compile(r"\b(?:any|some)(?:one|body|thing)\b", re.IGNORECASE)  # whoever it was: the answer may tell
_NOT_SO_MANY = re.compile(r",?\s*\b(?:and |but )?not (?P<number>[\w.,]+)", re.IGNORECASE)  # "killed five and not three"
_OF_SAYING = re.compile(r"\b(?:say|says|said|tell|told|claim\w*|announc\w*|deny|denied|admit\w*)\b", re.IGNORECASE)
# "..., the mayor said on Friday" and "..., said Lind of the police", but not "..., and Lind said nobody died".
_WHO_SAID_SO = re.compile(
    r",\s+(?:(?!(?:and|but|while|who|which)\b)[^,;:“”\"]{0,60}\bsaid(?:\s+(?:on|in|at|late|early|this|last|yesterday|today)\b"
    r"[^,;:“”\"]{0,40})?|said\s[^,;:“”\"]{1,60})\W*$",
    re.IGNORECASE,
)
_PRONOUN = re.compile(r"\W*(?:he|she|it|they)\b", re.IGNORECASE)
_ASKING = re.compile(r"\W*(?:and |but |so )?(?P<word>who|whom|whose|what|when|where|why|which|how)\b", re.IGNORECASE)
_WONDERS = (
    r"\b(?:know|knows|knew|known|asks?|asked|asking|wonder\w*|unclear|not clear|unknown|find(?:ing)? out|found out|establish"
    r"|determine|discover|learn|understand|investigat\w*|examin\w*|look\w* into|question of)"
    r"(?:\s+(?:for|about|into|exactly|just))?\s+"
)
_NUMBERED = re.compile(r"\bNo\.\s?(?=\d)")  # "hanger No. 17" denies nothing


def without_turn(question: str) -> str:
    """Return `question` without the turn before, which a follow-up is given in brackets."""
    return _TURN.sub("", question)


def hasty(question: str) -> bool:
    """Return True if `question` is typed as into a search box: in small letters, and without its question mark."""
    asked = without_turn(question).rstrip()
    return asked.islower() and not asked.endswith("?")


def kind(question: str) -> Kind:
    """Return what kind of answer `question` wants, by its words."""
    plain = without_turn(question)
    return next((name for name, pattern in _KINDS if pattern.match(plain)), "other")


def fits(question: str, text: str, around: str = "") -> bool:
    """True unless `text` plainly does not answer `question`, by rules that look at no other sentence.

    A time or an amount needs a number or a day that the question does not have, or "nothing" for an amount; how many died is
    told by no sentence on the injured, and "why" by none that has no word of the question (of 13 gold sentences two have none).
    What the question denies must be denied, and what it states must not be; its opposite is another thing ("vertical" for
    "horizontal"). Its numbers must be there, or `around` the text (title, sentences before, date); for a year a period there will
    do, and for a period a year. What ends with a colon or asks something itself answers nothing. Of 371 questions of squad2, qed
    and clapnq the rules but those of opposites, periods, the injured and "why" withhold 1 in 21 of the answerable and 1 in 6 of
    the others; that "who" needs a new name, and "where" a place, was tried: it did harm.
    """
    question, text = (_NUMBERED.sub("", one) for one in (without_turn(question), text))
    if opens_or_asks(text):
        return False
    if kind(question) == "yes-no":
        return True  # `verdict` tells
    return _agrees(question, text, around) and _has_what_is_asked(question, text)


def opens_or_asks(text: str) -> bool:
    """True for "Here are five ways:" and "Who won?": whatever the question, that is no answer."""
    return text.rstrip().endswith((":", "?"))


def asks_it_too(question: str, text: str) -> bool:
    """True for "She wants to know why the sensor failed" where the question is why: that is one more question, and no answer."""
    asking = _ASKING.match(without_turn(question))
    if asking is None or "because" in text.casefold():
        return False
    return re.search(rf"{_WONDERS}{asking['word']}\b(?!\s+to\b)", text, re.IGNORECASE) is not None


def _agrees(question: str, text: str, around: str) -> bool:
    asked = frozenset(facts.content_stems(question))
    denies = facts.negated(question)
    none_at_all = kind(question) == "amount" and _NONE_AT_ALL.search(text)
    if denies != facts.negated(text) and (denies or facts.denied(text, asked)) and not none_at_all:
        return False
    if facts.other_thing(question, text):
        return False
    told = f"{text} {around}"
    lacking = {number for number in facts.numbers(question) - facts.numbers(told) if number > SMALL_NUMBER}
    return not lacking or lacking <= _years_of(question, told)


def _years_of(question: str, told: str) -> set[Decimal]:
    """The years in `question` of which `told` speaks: "in 1962" of "1960-1964", "from 2011 to 2012" of "in 2011"."""
    there = [(first, last) for first, last in dates.years(told) if last - first < LIFE or last == dates.FOREVER]
    return {
        Decimal(year)
        for first, last in dates.years(question)
        if any(first <= until and since <= last for since, until in there)
        for year in (first, last)
    }


def _has_what_is_asked(question: str, text: str) -> bool:
    wanted = kind(question)
    if facts.WHY.match(question) and not _shares(question, text):
        return False
    harm = senses.harm(" ".join(facts.folded(question).partition("how many")[2].split()[:COUNTED]))
    if harm and not harm & senses.harm(text):
        return False
    if wanted not in ("when", "amount") or facts.numbers(text) - facts.numbers(question):
        return True
    if wanted == "amount":
        return _NONE_AT_ALL.search(text) is not None
    dated = _CALENDAR & set(re.findall(r"[^\W\d_]+", facts.folded(text)))
    return bool(dated) or _ON_WHAT_CONDITION.match(question) is not None


def _shares(question: str, text: str) -> bool:
    there = facts.content_stems(text)
    return any(facts.among(one, there) for one in facts.content_stems(question))


def verdict(question: str, text: str, around: str = "") -> Literal["Yes", "No"] | None:
    """Return what `text` says to a yes/no question, None where a rule cannot tell.

    No: it says the opposite, or denies words of the question, more than half of which are in it or `around` it: "the damage,
    without the ferry" does not tell that the ferry did not sink. Yes: it says every word of the question that carries meaning,
    or the words `around` it (title, sentences before) do, and denies nothing. Whoever "anyone" is, it says so of somebody.
    Names aside, it says more than half of them itself: what is said beside "the bridge will open" does not tell that the bridge
    is open, and a name of several words ("Court of Appeal") tells of nothing. It must be said of the same one: "Osei was sent
    off" tells nothing of Marchetti, who was named before.
    """
    question, text = (_NUMBERED.sub("", one) for one in (without_turn(question), text))
    anyone = _ANYONE.search(question) is not None
    question, text = _ANYONE.sub(" ", question), _NOT_SO_MANY.sub(_if_a_number, text)
    if not _OF_SAYING.search(question):
        text = _WHO_SAID_SO.sub("", text)  # "..., the mayor said": the mayor is not among the killed
    asked = frozenset(_stems(question))
    if facts.negated(question) or not asked:
        return None
    there = _stems(f"{text} {around}")
    plain = asked.difference(_stems(" ".join(facts.names(question))))
    denied = asked.union(one for one in facts.content_stems(text) if senses.happened(one) in asked)
    # "not Faulds" denies somebody, and nothing that happened.
    denied -= _stems(" ".join(facts.names(f"{text} {around}")))
    speaks_of_it = most(asked, there) or most(plain, there)
    if (speaks_of_it and facts.denied(text, denied)) or facts.contrary(question, text):
        return "No" if anyone or not _of_another(question, text, around) else None
    hedges = [{word.casefold() for word in _HEDGED.findall(one)} for one in (text, question)]
    if hedges[0] - hedges[1] or not _same_order(question, text):
        return None
    here = _stems(text)
    bare = _stems(_without_other_names(text, asked))
    if facts.negated(text) or not asked & here or not most(plain, bare):
        return None
    if not anyone and not (_said_of(question, text, around) and _done_by(question, here)):
        return None
    numbers = facts.numbers(question) <= facts.numbers(f"{text} {around}")
    return "Yes" if numbers and all(facts.among(stem, there) for stem in asked) else None


def _without_other_names(text: str, asked: Collection[str]) -> str:
    """The folded text without names of several words that are not asked about: the "Court of Appeal" tells of no appeal."""
    plain = facts.folded(text)
    for run in facts.name_runs(text):
        if len(run) > 1 and not all(facts.among(stem, asked) for stem in _stems(" ".join(run))):
            plain = re.sub(r"\W+(?:of\W+)?".join(map(re.escape, run)), " ", plain)
    return plain


def _subject(question: str, text: str, around: str) -> set[str]:
    """The stems of the first that a yes/no question names, those of a whole name if it is one in the question or the article."""
    stems = facts.content_stems(question)
    runs = [set(facts.content_stems(" ".join(run))) for one in (question, text, around) for run in facts.name_runs(one)]
    return next((run & set(stems) for run in runs if stems[:1] and stems[0] in run), set(stems[:1]))


def _named_in(stems: Collection[str], text: str) -> bool:
    there = facts.content_stems(text)
    return any(facts.among(stem, there) for stem in stems)


def _of_another(question: str, text: str, around: str) -> bool:
    """True if the question is about a name that is not in `text`, which has other names."""
    subject = _subject(question, text, around)
    named = subject & _stems(" ".join(facts.names(f"{question} {text} {around}")))
    others = _stems(" ".join(facts.names(text))) - _stems(question)
    return bool(named and others) and not _named_in(subject, text)


def _said_of(question: str, text: str, around: str) -> bool:
    """True if `text` names what the question is about, or begins with a pronoun right after it was named."""
    subject = _subject(question, text, around)
    if _named_in(subject, text):
        return True
    last = next(reversed(facts.name_runs(around)), [])
    proper = subject & _stems(" ".join(facts.names(f"{question} {around}")))
    return _PRONOUN.match(text) is not None and (not proper or _named_in(subject, " ".join(last)))


def _done_by(question: str, here: Collection[str]) -> bool:
    """False if the question names by whom it was done, and the sentence does not."""
    return all(facts.among(stem, here) for stem in _stems(question.partition(" by ")[2]))


def most(wanted: Collection[str], there: Collection[str]) -> bool:
    """True if more than half of the stems, or their families, are there."""
    return not wanted or 2 * sum(facts.among(one, there) for one in wanted) > len(wanted)


def _stems(text: str) -> set[str]:
    """The content stems, with one for all words of what happens to people: who was killed has died."""
    return {senses.happened(stem) for stem in facts.content_stems(text)}


def _if_a_number(match: re.Match[str]) -> str:
    return "" if facts.numbers(match["number"]) else match[0]


def bare(text: str) -> bool:
    """True if `text` says yes or no and nothing else: no sentence can prove that."""
    return bool(_BARE.fullmatch(text))


def _same_order(question: str, text: str) -> bool:
    """False where `text` has the question's names in another order: "A beat B" is not "B beat A"."""
    plain = facts.folded(text)
    places = [plain.find(name) for name in dict.fromkeys(facts.names(question)) if name in plain]
    return places == sorted(places)


def parted(text: str) -> tuple[str, str]:
    """Return the yes or no that `text` begins with, as "Yes" or "No", and what it goes on with; "" and the text if with none.

    "No one was hurt", "No-one was" and "No. 17 is closed" begin with neither.
    """
    begun = _YES_OR_NO_FIRST.match(text)
    return (begun[1].capitalize(), text[begun.end() :]) if begun else ("", text)


def begins(text: str) -> bool:
    """True if `text` begins with yes or no."""
    return bool(_YES_OR_NO.match(text))


def in_full(text: str, quoted: str, published: date | None) -> str:
    """Return `text` with its weekdays told in full, where the cited sentence and its article's date say which day it is.

    "met on Tuesday" becomes "met on Tuesday, 31 August 2021". A weekday is left as it is where it stands beside a date, may be
    two days, or where the last verb before it is not plainly past: "opens on Monday" is another Monday than "opened on Monday".
    """
    if published is None or _ELSEWHEN.search(quoted) or _ELSEWHEN.search(text):
        return text
    days = facts.days(quoted, published)

    def full(match: re.Match[str]) -> str:
        before = text[: match.start()].split()
        if not before or not before[-1][0].islower() or _COUNTED.match(text, match.end()):
            return match[0]  # "Bloody Sunday", "the Monday after"
        fitting = [day for day in days if f"{day:%A}" == match["day"]]
        if len(fitting) != 1 or not _past(text[: match.start()]):
            return match[0]
        [day] = fitting
        after = text[match.end() : match.end() + 1]
        return f"{match[0]}, {day.day} {day:%B %Y}{',' if after == ' ' else ''}"

    return _WEEKDAY.sub(full, text)


def _past(before: str) -> bool:
    """True if the last word of `before` that tells a time of action is a verb of the past."""
    for word in reversed(re.findall(r"[^\W\d_]+", before)):
        if word in _PAST or (word.endswith("ed") and word.islower()):
            return True
        if word in _NOT_PAST:
            return False
    return False


def plain(text: str) -> str:
    """Return `text` without what makes it an item of a list."""
    return _BULLET.sub("", text)
