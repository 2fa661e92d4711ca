"""Words of one meaning, where reports of the same thing vary their words."""

from __future__ import annotations

from functools import cache

from qa import facts

# The first word stands for the line.
_SENSES = """
    die dead death deadly kill fatal fatality toll perish
    injure injury hurt wound
    arrest detain detention custody
    displace displaced evacuate evacuated homeless flee fled
    people person persons victim victims casualty
    cost price bill
    buy bought purchase acquire acquisition
    build built construct construction
    release publish launch premiere
    begin began begun start
    open opening reopen
    close closure shut
    find found discover
    sink sank sunk
    leave left quit resign resignation
    quake earthquake tremor
    fire blaze wildfire
    send sent
    pay paid
    lose lost
    win won
    steal stole stolen
    write wrote written
    take took taken
    give gave given
    hold held
    shoot shot
    choose chose chosen
    strike struck
    sell sold
    meet met
    lead led
    make made
    spend spent
    catch caught
    break broke broken
    sing sang sung
    fly flew flown
    hide hid hidden
    teach taught
"""

HARM = ("die", "injure", "arrest", "displace", "miss")  # what can happen to people: a number belongs to one of them


def sense(word: str) -> str:
    """Return the stem that stands for all words of that meaning."""
    stem = facts.stem(word)
    return _senses().get(stem, stem)


def happened(stem: str) -> str:
    """Return the stem that stands for all words of what the stem tells of people ("kill": "die"); others as they are."""
    one = _senses().get(stem, stem)
    return one if one in _harm() else stem


def harms(word: str) -> bool:
    """Return True if `word` tells what can happen to people."""
    return sense(word) in _harm()


def stems(text: str) -> set[str]:
    """Return the content stems of `text`, each as the one that stands for its meaning."""
    return {_senses().get(stem, stem) for stem in facts.content_stems(text)}


def harm(text: str) -> set[str]:
    """Return what `text` says can happen to people, each by the stem that stands for it: to be injured is not to die."""
    return stems(text) & _harm()


@cache
def _harm() -> frozenset[str]:
    return frozenset(map(sense, HARM))


@cache
def _senses() -> dict[str, str]:
    lines = [[facts.stem(word) for word in line.split()] for line in _SENSES.strip().splitlines()]
    return {stem: line[0] for line in lines for stem in line}
