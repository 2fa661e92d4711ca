"""A question that asks for a name, a day or an amount -> the same asked for yes or no, or as a list.

"When did Ada Brink open the mill?", answered by "1931", becomes "Did Ada Brink open the mill?" and "... the mill in
1931?"; "Who opened the mill?" becomes "Was it Ada Brink who opened the mill?" and "List everyone who opened the mill". What
answered the question settles these too. Rules of English word order and nothing else, for questions as those of SQuAD: what they
cannot turn they leave.
"""

from __future__ import annotations

import random
import re

_BE = r"is|was|are|were"
_DO = r"did|does|do|has|have|had|can|could|will|would|should"
_WORD = rf"(?!(?:{_BE}|{_DO})\b)[\w-]+"
_PLACE = r"in|on|at|during|for|from|to|by|with|under|through"
_DID = r"\w+ed|won|wrote|led|built|made|took|held|became|began|lost|sold"
_MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"

_ADJUNCT = re.compile(
    rf"(?P<asked>when|where|why|how|(?P<before>{_PLACE}) (?:what|which|how many|whom)(?: {_WORD}){{0,3}}"
    rf"|(?:what|which) (?:year|day|date|month|decade)) (?P<helper>{_BE}|did|does|do) (?P<rest>.+)",
    re.IGNORECASE,
)
_WHO_IS = re.compile(rf"(?:who|what|which(?: {_WORD}){{1,3}}) (?P<helper>{_BE}) (?P<rest>.+)", re.IGNORECASE)
_WHAT_DID = re.compile(
    rf"(?:who|whom|what|(?:what|which)(?: {_WORD}){{1,3}}|how many (?P<counted>{_WORD}(?: {_WORD}){{0,2}}))"
    r" (?P<helper>did|does|do|can|could|will|would) (?P<rest>.+)",
    re.IGNORECASE,
)
_WHO_DID = re.compile(rf"(?:who|(?:what|which) (?P<thing>{_WORD}(?: {_WORD})?)) (?P<told>(?:{_DID}) .+)", re.IGNORECASE)
_WHO_ARE = re.compile(
    r"(?:what|who) (?:are|were) (?P<rest>(?:the|some|one|two|three|four) [\w-]+(?: .+)?)", re.IGNORECASE
)
_THINGS = re.compile(
    rf"(?:what|which) (?P<things>(?:{_WORD} )?(?!(?:{_BE}|{_DO})\b)[\w-]+s) (?P<rest>(?:are|were|have|\w+ed)(?-i: [a-z]).+)",
    re.IGNORECASE,
)
_NOT = re.compile(r"\b(?:not|never)\b|n['’]t\b", re.IGNORECASE)
_DONE = re.compile(
    r" (?:\w+(?:ed|en|ing)|born|held|made|built|won|sold|found|set|led|put|kept|sent|lost|known)\b", re.IGNORECASE
)
_LATER_WORDS = re.compile(rf" (?:{_PLACE}|after|before|when|while|because|that|who|which)\b", re.IGNORECASE)
_YEAR = re.compile(r"\d{4}")
_DAY = re.compile(rf"(?:{_MONTH}) \d{{1,2}}(?:, \d{{4}})?")
_NUMBER = re.compile(r"\d[\d,.]*")
LONGEST_ANSWER, LONGEST_REST = 6, 9  # words
# What is seldom said, so that "did they meet in secret" is answered by no sentence that they met.
MANNERS = (
    "in secret", "on purpose", "by mistake", "against the law", "for money", "by accident", "in public", "under a false name",
    "with the help of a friend", "despite a warning", "for the second time", "against all advice", "without permission",
)  # fmt: skip


def yes_or_no(question: str, said: str, random_: random.Random, *, insist: bool = False) -> str | None:
    """Return `question` asked for yes or no, of `said` if there is a place for it; None if the rules cannot turn it.

    `insist`: None too, where `said` has no place in it.
    """
    plain, said = question.rstrip(" ?").strip(), said.strip(" .,;")
    short = 0 < len(said.split()) <= LONGEST_ANSWER and "?" not in said
    if _NOT.search(plain):
        made = None
    elif adjunct := _ADJUNCT.fullmatch(plain):
        made = _of_adjunct(adjunct, said if short else "", random_, insist=insist)
    elif not short:
        made = None
    elif be := _WHO_IS.fullmatch(plain):
        made = f"{be['helper']} {said} {be['rest']}"
    elif do := _WHAT_DID.fullmatch(plain):
        made = _of_object(do, said)
    elif did := _WHO_DID.fullmatch(plain):
        made = random_.choice((f"is it true that {said} ", f"was it {said} {'that' if did['thing'] else 'who'} "))
        made += did["told"]
    else:
        made = None
    return None if made is None else _asked(made)


def _of_adjunct(match: re.Match[str], said: str, random_: random.Random, *, insist: bool) -> str | None:
    """Of when, where, why, how, in which town: what is asked for is left out, or stands at the end."""
    helper, rest, asked = match["helper"].lower(), match["rest"], match["asked"].lower()
    place = ""
    if said and match["before"] and not _YEAR.fullmatch(said):
        place = f" {match['before'].lower()} {said}"
    elif _YEAR.fullmatch(said) if asked != "where" else said[:1].isupper():
        place = f" in {said}"
    elif _DAY.fullmatch(said) and asked != "where":
        place = f" on {said}"
    by_itself = helper in ("did", "does", "do") or _DONE.search(rest) is not None
    if insist or not by_itself:
        return f"{helper} {rest}{place}" if place else None
    return f"{helper} {rest}{random_.choice((place, ''))}"


def _of_object(match: re.Match[str], said: str) -> str | None:
    """Of what somebody did: what is asked for stands at the end, if nothing else seems to stand there."""
    counted = match["counted"]
    if len(match["rest"].split()) > LONGEST_REST or _LATER_WORDS.search(match["rest"]):
        return None
    if counted and not _NUMBER.fullmatch(said):
        return None
    return f"{match['helper']} {match['rest']} {said} {counted or ''}"


def in_another_manner(question: str, random_: random.Random) -> str:
    """Return a yes-or-no question with a word of how it was done, which hardly any text tells."""
    return f"{question.rstrip(' ?')} {random_.choice(MANNERS)}?"


def statement(question: str, said: str) -> str | None:
    """Return the answer in the question's words ("Ada Brink opened the mill."); None if the rules cannot make it."""
    plain, said = question.rstrip(" ?").strip(), said.strip(" .,;")
    told = _WHO_DID.fullmatch(plain)
    if told is None or _NOT.search(plain) or not 0 < len(said.split()) <= LONGEST_ANSWER or "?" in said:
        return None
    return f"{said[:1].upper()}{said[1:]} {told['told']}."


def as_list(question: str, random_: random.Random) -> str | None:
    """Return `question` asked as a list is; None if the rules cannot turn it."""
    plain = question.rstrip(" ?").strip()
    if (did := _WHO_DID.fullmatch(plain)) and not did["thing"]:
        begin = random_.choice(
            ("List everyone who", "Name all the people who", "Who are the people who", "List all who")
        )
        return f"{begin} {did['told']}"
    if things := _THINGS.fullmatch(plain):
        begin = random_.choice(("List all", "List the", "Name the", "What are all the"))
        return f"{begin} {things['things']} that {things['rest']}"
    if are := _WHO_ARE.fullmatch(plain):
        return f"{random_.choice(('List', 'Name', 'Give me a list of'))} {are['rest']}"
    return None


def same_shape(one: str, other: str) -> bool:
    """True for two years, two days of the year, or two numbers: either may stand where the other does."""
    return any(shape.fullmatch(one) and shape.fullmatch(other) for shape in (_YEAR, _DAY, _NUMBER))


def _asked(words: str) -> str:
    words = " ".join(words.split())
    return f"{words[:1].upper()}{words[1:]}?"
