"""What is asked, without the words of asking for it: "Could you please tell me who won?" is "who won?"."""

from __future__ import annotations

import re

_ASKED = r"(?=(?:who|whom|whose|what|when|where|why|which|how)\b)"
_POLITE = re.compile(
    r"^\W*(?:(?:hi|hello|hey|ok|okay|so|well)\b\W*)?(?:please\b\W*)?"
    r"(?:(?:(?:can|could|would|will) you (?:please |kindly )?)?(?:tell|show|explain to) (?:me|us)(?: please)?"
    r"|(?:(?:can|could|would|will) you (?:please |kindly )?)?(?:say|explain|describe)"
    r"|do you (?:happen to )?know|(?:does )?any(?:one|body) know"
    r"|i(?:['’]d| would) (?:like|love) to know|i (?:want|need) to know|i (?:wonder|was wondering)|let me know|please)"
    rf"\b[\s,:]*{_ASKED}",
    re.IGNORECASE,
)
_NO_APOSTROPHE = re.compile(r"^(\W*(?:what|who|where|when))s\b", re.IGNORECASE)  # "whats the latest on the strike"
_POLITE_REQUEST = re.compile(
    r"^\W*(?:please\b\W*)?(?:can|could|would|will) you (?:please |kindly )?"
    r"(?=(?:list|name|enumerate|summari[sz]e|sum up|describe|give)\b)",
    re.IGNORECASE,
)
_THANKS = re.compile(r"[\s,]+(?:please|thanks|thank you)(?P<end>[?.!]*)\W*$", re.IGNORECASE)
_LIST = (
    r"^\W*(?:please |(?:can|could|would) you (?:please )?)?"
    r"(?:(?:list|enumerate|name)|(?:give|show|tell) (?:me|us)(?: a| the)? (?:full |complete )?list of)\s+"
)
_LIST_OF_PEOPLE = re.compile(
    rf"{_LIST}(?:all (?:of )?)?(?:(?:the |those )?(?:people|persons|men|women)|everyone|everybody|those|all)\s+who(?:m)?\s+",
    re.IGNORECASE,
)
_LIST_OF_THINGS = re.compile(rf"{_LIST}(?:(?:all|every|each)(?: of)?\s+)?(?=\S)", re.IGNORECASE)


def plain(question: str) -> str:
    """Return `question` without what is only polite, if what is left is a question; "whats" and "whos" get their apostrophe."""
    question = _NO_APOSTROPHE.sub(r"\1's", question)
    asked = _THANKS.sub(lambda thanks: thanks["end"], question)
    return _POLITE.sub("", _POLITE_REQUEST.sub("", asked)) or question


def read_as(question: str) -> str:
    """Return what a cross-encoder is to read instead of `question`, where that begins with "list ...".

    It has learnt from questions: "The head of computing, Victor Lang, resigned" has -5.4 to "List everyone who resigned or left."
    and -0.9 to "who resigned or left".
    """
    people = _LIST_OF_PEOPLE.sub("who ", question)
    asked = people if people != question else _LIST_OF_THINGS.sub("", question)
    return asked.rstrip(" .!") if asked != question else question
