"""What a question is about, part by part: the names in it, and the sources it asks to look into."""

from __future__ import annotations

import re
from collections.abc import Iterable

from index.words import STOP_WORDS

MOST = 6  # names, and sources, that are looked for; a pasted article has hundreds

_QUOTED = re.compile(r"[\"“]([^\"”]{3,100})[\"”]|(?<!\w)['‘]([^'’]{3,80})['’](?!\w)")
_RUN = re.compile(
    r"[A-Z0-9][\w’'&.-]*(?: (?:(?:of|the|de|von|van|for|and|in|on|to|from|a) ){0,2}[A-Z][\w’'&.-]*)*", re.UNICODE
)
_NO_START = STOP_WORDS | {"considering", "since", "until", "did", "does", "the"}
_SECTION = re.compile(r" \| | [-–—] |: |, ")


def names(text: str) -> list[str]:
    """Return the names and quoted phrases in `text`, as written, each once: runs of capitalised words, sentence starts cut."""
    found = [(match[1] or match[2]).strip() for match in _QUOTED.finditer(text)]
    for match in _RUN.finditer(_QUOTED.sub(" . ", text)):
        words = match.group().strip(" .'’-").split()
        while words and words[0].lower() in _NO_START:
            words = words[1:]
        name = " ".join(words)
        if len(name) > 1 and not name.isdigit():
            found.append(name)
    return list(dict.fromkeys(found))


def sources(question: str, known: Iterable[str]) -> list[frozenset[str]]:
    """Return the sources that `question` names, each as the set of `known` ones that go by that name.

    "FOX News - Health" and "FOX News - Lifestyle" both go by "FOX News", "CBSSports.com" also by "CBSSports". The name must have
    its capital in the question: "wired money" is no source.
    """
    by_name: dict[str, set[str]] = {}
    for source in known:
        name = _SECTION.split(source)[0].strip().removesuffix(".com")
        mentioned = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", question, re.IGNORECASE) if len(name) > 1 else None
        if mentioned and mentioned.group()[0] == mentioned.group()[0].upper():
            by_name.setdefault(name.casefold(), set()).add(source)
    return [frozenset(group) for group in by_name.values()][:MOST]
