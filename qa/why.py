"""Why a passage was found, in words and figures: said alike by `article-qa search` and by the page."""

from __future__ import annotations

from qa.types import Hit


def scores(hit: Hit) -> tuple[tuple[str, str], ...]:
    """Return (stage, score) of every stage that had a part in it."""
    return tuple((name, f"{score:.3f}") for name, score in hit.stages.items())


def reasons(hit: Hit) -> tuple[str, ...]:
    """Return what speaks for the passage, in words; the first says how it was found."""
    stages = {stage.partition(" in scope ")[0].partition(" of clause ")[0] for stage in hit.stages}
    scoped = any(" in scope " in stage for stage in hit.stages)
    found = [word for stage, word in (("bm25", "words"), ("dense", "meaning")) if stage in stages]
    led = {"hop", "dense hop"} & stages
    said = [f"found by its {' and its '.join(found)}"] if found else []
    if "other forms" in stages:
        said.append("by a name written out or as initials")
    if hit.clause:
        said.append(f"for this part of the question: {hit.clause}")
    if scoped:
        said.append("in a source or a time that the question names")
    if led:
        said.append("led to by what a better passage names")
    if "rerank" in stages:
        said.append("read together with the question")
    if led and hit.asked:
        said.append("read together with the passage that led to it")
    if "time" in stages:
        said.append("lifted for its date")
    return tuple(said)
