"""The tokenizer: its facts, what it costs per byte, and how it cuts a few sentences of the run's own documents."""

from __future__ import annotations

import re
from typing import Any

from groundup.report.markup import Html, join, number, tag
from groundup.report.read import Run

SAMPLES = 3


def section(run: Run) -> Html | None:
    """None before the tokenizer stage."""
    facts = run.json("3_tokenizer/facts.json")
    tokens = run.json("3_tokenizer/tokens/tokens.json")
    if facts is None and tokens is None and run.tokenizer is None:
        return None
    rows = [*_plain(facts), *_splits(tokens)]
    if run.tokenizer is not None and not any("ocabulary" in name for name, _ in rows):
        rows.insert(0, ("Vocabulary", number(run.tokenizer.get_vocab_size())))
    items = [join([tag("dt", name), tag("dd", value)]) for name, value in rows]
    return tag(
        "section",
        tag("h2", "The tokenizer"),
        tag("p", "Text is cut into pieces that occur often; each piece has a number.", class_="lead"),
        tag("dl", items, class_="facts"),
        _segmentation(run),
        id="tokenizer",
    )


def _plain(facts: Any) -> list[tuple[str, str]]:
    rows = []
    for name, value in facts.items() if isinstance(facts, dict) else []:
        label = name.replace("_", " ").capitalize()
        if isinstance(value, bool):
            rows.append((label, "yes" if value else "no"))
        elif isinstance(value, int | float):
            rows.append((label, number(value)))
        elif isinstance(value, str) and len(value) < 80:
            rows.append((label, value))
    return rows[:10]


def _splits(tokens: Any) -> list[tuple[str, str]]:
    """Tokens per split, where tokens.json tells: ``{"splits": {"train": {"tokens": n}}}`` or ``{"train": {...}}``."""
    if not isinstance(tokens, dict):
        return []
    splits = tokens.get("splits", tokens)
    rows = []
    for split in ("train", "validation", "test"):
        part = splits.get(split) if isinstance(splits, dict) else None
        if isinstance(part, dict):
            part = next((part[key] for key in ("tokens", "num_tokens") if key in part), None)
        if isinstance(part, int | float):
            rows.append((f"{split.capitalize()} tokens", number(part)))
    return rows


def _segmentation(run: Run) -> Html | None:
    if run.tokenizer is None:
        return None
    sentences = []
    for document in run.first_documents("2_clean/documents", SAMPLES):
        found = re.search(r"[A-Z\w][^.!?\n]{20,150}[.!?]", document.text)
        if found:
            sentences.append(found.group())
    blocks = []
    for sentence in sentences:
        ids = run.tokenizer.encode(sentence, add_special_tokens=False).ids
        pieces = [run.tokenizer.decode([token]) for token in ids]
        chips = [
            tag("span", piece.replace(" ", "\u00b7") or "\u2205", class_=f"chip t{i % 4}")
            for i, piece in enumerate(pieces)
        ]
        size = len(sentence.encode("utf-8"))
        words = f"{size} bytes in {len(ids)} tokens: {size / max(1, len(ids)):.2f} bytes a token"
        blocks.append(tag("div", tag("div", chips, class_="chips"), tag("p", words, class_="why")))
    return tag("div", tag("h3", "How it cuts"), blocks) if blocks else None
