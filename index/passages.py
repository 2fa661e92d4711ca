"""Sentences -> overlapping Passages of whole sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from index.types import Article, Passage, Sentence

TARGET_WORDS = (
    120  # MiniLM reads 256 word pieces; 120 words with a title and a date stay below that in nearly all news text
)
OVERLAP_WORDS = 40  # one or two sentences are shared, so that neighbours of usual length are never parted


def passages(
    article: Article, sentences: Sequence[Sentence], *, target: int = TARGET_WORDS, overlap: int = OVERLAP_WORDS
) -> tuple[Passage, ...]:
    """Return the passages of `article` in order; together they hold every sentence, and each starts after the one before.

    Each has about `target` words; a single longer sentence is a passage of its own. Neighbours share their last and first one
    or two sentences if these have at most `overlap` words.
    """
    prefix = article.sha256[:20]
    return tuple(
        Passage(
            id=f"{prefix}:{first}-{last}",
            article_id=article.id,
            first=first,
            last=last,
            start=sentences[first].start,
            end=sentences[last].end,
            text=article.text[sentences[first].start : sentences[last].end],
        )
        for first, last in _windows([len(sentence.text.split()) for sentence in sentences], target, overlap)
    )


def _windows(words: Sequence[int], target: int, overlap: int) -> Iterator[tuple[int, int]]:
    first = 0
    while first < len(words):
        last, size = first, words[first]
        while last + 1 < len(words) and size + words[last + 1] <= target:
            last += 1
            size += words[last]
        yield first, last
        if last + 1 == len(words):
            return
        # Only as much is shared as leaves room for the next sentence: else a passage would lie whole inside the one before.
        room = min(overlap, target - words[last + 1])
        shared = 0
        while shared < 2 and last - shared > first and sum(words[last - shared : last + 1]) <= room:
            shared += 1
        first = last + 1 - shared


def embedded_text(title: str, day: str | None, passage: str) -> str:
    """The words that are embedded for a passage: its article's title and date help to find it, and are no part of its text."""
    return f"{title} ({day})\n{passage}" if day else f"{title}\n{passage}"
