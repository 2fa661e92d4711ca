"""A small file in the layout of SQuAD 1.1, of our own words."""

from __future__ import annotations

import json
from pathlib import Path

PARAGRAPHS = {
    "Ada Brink opened the first mill of Holm in 1931. It made paper for the northern towns. Otto Brandt had it by March 1950.": [
        ("Who opened the first mill of Holm in 1931?", "Ada Brink"),
        ("What did the mill of Holm make for the northern towns?", "paper"),
        ("Who bought the mill from Ada Brink in March?", "Otto Brandt"),
    ],
    "The harbour of Lund Bay was closed after the storm of 1962. Ships went to Port Arden instead. The fishermen protested.": [
        ("Why was the harbour of Lund Bay closed in 1962?", "the storm of 1962"),
        ("Where did ships go after Lund Bay was closed?", "Port Arden"),
        ("Who protested when the harbour was closed?", "The fishermen"),
    ],
}


def squad_file(file: Path) -> Path:
    """Write the paragraphs as one article into `file`."""
    paragraphs = [
        {
            "context": text,
            "qas": [{"question": q, "answers": [{"text": a, "answer_start": text.index(a)}]} for q, a in asked],
        }
        for text, asked in PARAGRAPHS.items()
    ]
    file.write_text(json.dumps({"data": [{"title": "Holm_Bay", "paragraphs": paragraphs}]}), encoding="utf-8")
    return file
