"""What a question is about, part by part: its clauses, its names and their other forms, the sources to look into."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from index.words import STOP_WORDS, content_words

POINTED = 3  # letters of initials that are also written with points
MOST = 6  # names, and sources, that are looked for; a pasted article has hundreds

# A name as it is written in a question, with or without its article: for patterns that are not blind to capitals.
CAPITALS = r"(?:[Tt]he\s+)?[A-Z][\w’'&.-]*(?:\s+(?:(?:of|the|de|von|van|for|and|at|in)\s+){0,2}[A-Z][\w’'&.-]*)*"

_ALL = re.compile(
    r"^\W*(?:(?:please |can you |could you )?(?:list|enumerate|name (?:all|every|each)|give (?:me )?(?:a list|all)))\b"
    r"|\ball (?:of )?(?:the |those |these )?(?:\w+ )?(?:\w+s|people|men|women|children)"
    r" (?:who|whom|whose|that|which|mentioned|named|in|of|from)\b"
    r"|\b(?:all|everyone|everybody|everything) (?:who|that)\b|\b(?:every|each) \w+ (?:who|that|which|mentioned|named)\b"
    r"|\bwhich (?:\w+ )?(?!(?:has|was|does)\b)\w+(?<![sui])s (?:have|were|are|did|do|had|won|\w+ed)\b",
    re.IGNORECASE,
)
_SHORT = re.compile(r"\b(?:[A-Z]\.){2,6}|\b[A-Z]{2,6}\b")
_SMALL_SHORT = re.compile(r"\b[Tt]he (us|usa|uk|eu|un|uae)\b")  # of a question typed in small letters
_QUOTED = re.compile(r"[\"“]([^\"”]{3,100})[\"”]|(?<!\w)['‘]([^'’]{3,80})['’](?!\w)")
_RUN = re.compile(
    r"[A-Z0-9][\w’'&.-]*(?: (?:(?:of|the|de|von|van|for|and|in|on|to|from|a) ){0,2}[A-Z][\w’'&.-]*)*", re.UNICODE
)
_WORDS_TOO = frozenset("us it am who pm ad ie eg id mr ms dr la de".split())  # noqa: SIM905 (initials that are words, too)
_NO_START = STOP_WORDS | {"considering", "since", "until", "did", "does", "the"}
_SECTION = re.compile(r" \| | [-–—] |: |, ")

LONG = 16  # words; a shorter question is one search
LEAST = 4  # content words of a clause; one with fewer belongs to its neighbour
_JOINT = re.compile(
    r",?\s+(?:while|whereas|whilst)\s+|;\s+|,?\s+(?:compared|in contrast|as opposed)\s+(?:to|with)\s+"
    r"|,?\s+(?:and|but|or|yet)\s+(?=(?:is|are|was|were|has|had|have|did|does|do|will|would|who|whose|which|what|when|where|how"
    r"|why|also|later|another|then)\b|the\s+(?:[\w'’&|.]+\s+){0,4}(?:report|article|story|coverage|interview)\b)"
    r"|,\s+(?:and|but|yet)\s+(?=(?-i:[a-z]))",
    re.IGNORECASE,
)


def clauses(question: str) -> list[str]:
    """Return the clauses of a long question that can be looked for one by one; none if it has only one.

    "Did the Herald report that ..., while the Post said that ...?" has two. Two of 1,300 questions of squad2, qed, clapnq and
    timeqa are parted by this rule, three in four of multihop-rag-evidence's.
    """
    if len(question.split()) < LONG:
        return []
    found: list[str] = []
    for clause in _JOINT.split(question):
        if found and min(_said(clause), _said(found[-1])) < LEAST:
            found[-1] = f"{found[-1]}, {clause.strip()}"
        else:
            found.append(clause.strip(" ,.?"))
    return found[:MOST] if len(found) > 1 else []


def _said(clause: str) -> int:
    return len({word.lower() for word in content_words(clause)})


def names(text: str) -> list[str]:
    """Return the names and quoted phrases in `text`, as written, each once: runs of capitalised words, sentence starts cut."""
    found = [(match[1] or match[2]).strip() for match in _QUOTED.finditer(text)]
    for words in _runs(_QUOTED.sub(" . ", text)):
        name = " ".join(words)
        if len(name) > 1 and not name.isdigit():
            found.append(name)
    return list(dict.fromkeys(found))


def asks_for_all(question: str) -> bool:
    """Return True if more than the best few answers are wanted: "list ...", "all who ...", "which mayors have ...?"."""
    return bool(_ALL.search(question))


def other_forms(question: str, texts: Iterable[str]) -> list[str]:
    """Return initials written out as `texts` have them, the initials of names written out, and those with or without points.

    "EU" gives "European Union" where a text has that; "European Union" gives "EU", and "US" "U.S.", whatever the texts have.
    """
    written = [short.group() for short in _SHORT.finditer(question)]
    written += [word.upper() for word in _SMALL_SHORT.findall(question)]
    asked = {short.replace(".", "") for short in written}
    found = [
        short for short in _initials(question) if short.lower() not in STOP_WORDS | _WORDS_TOO and short not in asked
    ]
    found += [_pointed(short) for short in written if len(short.replace(".", "")) <= POINTED]
    for text in texts if asked else ():
        for short, name in _initials(text).items():
            if short in asked:
                found.append(name)
    return list(dict.fromkeys(found))[:MOST]


def _pointed(short: str) -> str:
    return short.replace(".", "") if "." in short else "".join(f"{letter}." for letter in short)


def _runs(text: str) -> Iterator[list[str]]:
    """The words of each run of capitalised words, without those that only begin a sentence."""
    for match in _RUN.finditer(text):
        words = match.group().strip(" .'’-").split()
        while words and words[0].lower() in _NO_START:
            words = words[1:]
        yield words


def _initials(text: str) -> dict[str, str]:
    """The initials of each run of two to six capitalised words, with the run as written; small words have no initial."""
    found: dict[str, str] = {}
    for words in _runs(text):
        initials = "".join(word[0] for word in words if word[0].isupper())
        if 2 <= len(initials) <= 6 and len(words) > 1:
            found.setdefault(initials, " ".join(words))
    return found


def sources(question: str, known: Iterable[str]) -> list[frozenset[str]]:
    """Return the sources that `question` names, each as the set of `known` ones that go by that name.

    "FOX News - Health" and "FOX News - Lifestyle" both go by "FOX News", "CBSSports.com" also by "CBSSports". The name must have
    its capital in the question: "wired money" is no source.
    """
    by_name: dict[str, set[str]] = {}
    asked = question.casefold()
    for source in known:
        name = _SECTION.split(source)[0].strip().removesuffix(".com")
        if len(name) < 2 or name.casefold() not in asked:
            continue  # a library may have thousands of sources, and each pattern takes time to make
        mentioned = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", question, re.IGNORECASE)
        if mentioned and mentioned.group()[0] == mentioned.group()[0].upper():
            by_name.setdefault(name.casefold(), set()).add(source)
    return [frozenset(group) for group in by_name.values()][:MOST]
