"""Stage 3, the front door: clean documents -> a tokenizer, token shards, the trace index, facts.

Reads inputs["clean"]/documents and inputs["collect"]/examples; writes tokenizer/, tokens/, trace/, facts.json.
What is held out never trains the tokenizer. A killed run keeps the tokenizer it had finished and encodes again.
"""

from __future__ import annotations

import heapq
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from groundup.core.document import Document, read_documents
from groundup.core.errors import DataError, Interrupted
from groundup.core.example import Example, read_examples
from groundup.core.files import fingerprint, write_json
from groundup.core.randomness import seed_for
from groundup.core.split import SPLITS, split_of
from groundup.core.stage import Context
from groundup.tokenizer.base import Tokenizer
from groundup.tokenizer.facts import Facts
from groundup.tokenizer.options import TokenizerOptions
from groundup.tokenizer.pattern import pieces
from groundup.tokenizer.shards import ShardWriter, TokenShards
from groundup.tokenizer.special import END_OF_TEXT

PIECE = 10_000  # characters: the grain of the training sample, so that huge documents are sampled evenly too (taste)
EXAMPLES_SHARE = 0.25  # of the sample's bytes come from examples at most: chat words without drowning prose (taste)
BATCH = 2_000_000  # characters encoded at a time: keeps both cores busy within some 200 MB (measured)
TAIL = 0.05  # of a lone document is test, and as much before it validation (core.split's share of test)


@dataclass
class Survey:
    """The first look at the documents: how many, how large, and who is held out.

    moved: documents whose split differs from `split_of`, because a split would be empty. tail_of: with fewer than
    three documents, the id of the largest, whose end is held out.
    """

    documents: int = 0
    train_bytes: int = 0
    moved: dict[str, str] = field(default_factory=dict)
    tail_of: str = ""

    def split(self, document: Document) -> Iterator[tuple[str, Document]]:
        """The document with its split; the one cut for want of documents comes in three parts."""
        if not self.tail_of:
            yield self.moved.get(document.id, split_of(document.id)), document
            return
        if document.id != self.tail_of:
            yield "train", document
            return
        text = document.text
        first, second = _blank_before(text, 1 - 2 * TAIL), _blank_before(text, 1 - TAIL)
        for split, part in zip(SPLITS, (text[:first], text[first:second], text[second:]), strict=True):
            yield split, replace(document, text=part)


def survey(documents: Iterable[Document]) -> Survey:
    """Read all documents once. Raises DataError when there is nothing to learn from."""
    found = Survey()
    counts = dict.fromkeys(SPLITS, 0)
    smallest: dict[str, list[tuple[str, str]]] = {split: [] for split in SPLITS}  # candidates to move, by hash
    largest = (-1, "")
    for document in documents:
        split = split_of(document.id)
        size = len(document.text.encode("utf-8"))
        found.documents += 1
        counts[split] += 1
        found.train_bytes += size if split == "train" else 0
        smallest[split] = heapq.nsmallest(3, [*smallest[split], (fingerprint(document.id), document.id)])
        largest = max(largest, (size, document.id))
    if largest[0] <= 0:
        raise DataError(
            "No document with any text came out of clean.",
            repair="Look at what was dropped and why: groundup show RUN; then loosen [clean] or add sources.",
        )
    if found.documents < len(SPLITS):
        found.tail_of = largest[1]
        found.train_bytes = largest[0]
        return found
    for empty in [split for split in SPLITS if not counts[split]]:
        donor = max(SPLITS, key=lambda split: counts[split])
        _, moved = smallest[donor].pop(0)
        found.moved[moved] = empty
        counts[donor] -= 1
        counts[empty] += 1
    return found


def run(options: TokenizerOptions, inputs: Mapping[str, Path], output: Path, context: Context) -> dict[str, Any]:
    """Train (or open) the tokenizer, encode every document, index the training tokens. Returns the counts."""
    documents = inputs["clean"] / "documents"
    found = survey(read_documents(documents))
    tokenizer = _tokenizer(options, inputs, found, output, context)
    facts = Facts(tokenizer)
    start_id = tokenizer.special.get(END_OF_TEXT)
    if start_id is None:
        raise DataError(f"The tokenizer of {options.from_} has no token to begin a document with (bos or eos).")
    size = tokenizer.vocabulary_size
    with ShardWriter(output / "tokens", vocabulary_size=size, start_id=start_id) as writer:
        parts = (part for document in read_documents(documents) for part in found.split(document))
        bar = context.console.progress(parts, "tokenizer", total=found.documents)
        for batch in _batches(bar):
            if context.stop():
                raise Interrupted("Stopped while encoding.", repair="Run the same command again to go on.")
            encoded = tokenizer.encode_batch([document.text for _, document in batch])
            for (split, document), ids in zip(batch, encoded, strict=True):
                num_bytes = len(document.text.encode("utf-8", "replace"))
                origin = {key: getattr(document, key) for key in ("id", "source", "path", "licence", "language")}
                writer.add(split, ids, num_bytes=num_bytes, **origin)
                facts.add(split, document, ids, num_bytes)
    shards = {split: TokenShards.open(output / "tokens", split) for split in SPLITS}
    if options.trace:
        from groundup.trace.index import build

        build(shards["train"].tokens, output / "trace")
    write_json(output / "facts.json", facts.summary())
    counts = {
        "kind": tokenizer.kind,
        "vocabulary_size": size,
        "bytes_per_token": facts.bytes_per_token(),
        "unused_tokens": facts.unused(),
        "documents": {split: shards[split].num_documents for split in SPLITS},
        "tokens": {split: shards[split].num_tokens for split in SPLITS},
        "bytes": {split: shards[split].num_bytes for split in SPLITS},
    }
    if found.moved:
        counts["moved_to_fill_a_split"] = found.moved
    if found.tail_of:
        counts["held_out_the_end_of"] = found.tail_of
    return counts


def _tokenizer(
    options: TokenizerOptions, inputs: Mapping[str, Path], found: Survey, output: Path, context: Context
) -> Tokenizer:
    """The tokenizer: opened where the recipe names one or a killed run had finished it, else trained; saved."""
    folder = output / "tokenizer"
    if folder.exists():
        return Tokenizer.load(folder)
    if options.from_:
        tokenizer = Tokenizer.load(options.from_)
    else:
        context.console.note(f"tokenizer: learning {options.vocabulary_size:,} tokens ({options.kind})")
        texts = training_texts(options, inputs, found)
        tokenizer = Tokenizer.train(texts, options.kind, options.vocabulary_size)
    unfinished = output / ".tokenizer"
    shutil.rmtree(unfinished, ignore_errors=True)
    tokenizer.save(unfinished)
    unfinished.rename(folder)
    return tokenizer


def training_texts(options: TokenizerOptions, inputs: Mapping[str, Path], found: Survey) -> Iterator[str]:
    """What the tokenizer learns from: train-split text of documents and examples, an even sample of pieces."""
    share = min(1.0, options.sample_bytes / max(1, found.train_bytes))
    for document in read_documents(inputs["clean"] / "documents"):
        for split, part in found.split(document):
            if split == "train":
                yield from _sampled(part.text, document.id, share)
    files = sorted((inputs["collect"] / "examples").rglob("*.jsonl*")) if "collect" in inputs else []
    room = EXAMPLES_SHARE * min(options.sample_bytes, found.train_bytes)
    total = sum(len(text.encode("utf-8", "replace")) for _, text in _example_texts(files))
    share = min(1.0, room / max(1, total))
    for key, text in _example_texts(files):
        yield from _sampled(text, key, share)


def _sampled(text: str, key: str, share: float) -> Iterator[str]:
    for number, piece in enumerate(pieces(text, PIECE)):
        # The hash of key and number decides, so that a piece's fate never depends on its neighbours.
        if share >= 1 or seed_for(0, "tokenizer sample", key, number) < share * 2**63:
            yield piece


def _example_texts(files: Iterable[Path]) -> Iterator[tuple[str, str]]:
    for path in files:
        for example in read_examples(path):
            if split_of(example.document_id) == "train":
                yield example.id, _text_of(example)


def _text_of(example: Example) -> str:
    turns = [str(message.get("content") or "") for message in example.messages]
    parts = [*turns, example.text, example.question, example.target, *example.choices, example.label]
    return "\n".join(part for part in parts if part)


def _batches(parts: Iterable[tuple[str, Document]]) -> Iterator[list[tuple[str, Document]]]:
    batch: list[tuple[str, Document]] = []
    size = 0
    for part in parts:
        batch.append(part)
        size += len(part[1].text)
        if size >= BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _blank_before(text: str, share: float) -> int:
    """The place of the last blank or line end before `share` of the text, so that no word is cut."""
    place = int(len(text) * share)
    line = text.rfind("\n", 0, place)
    blank = text.rfind(" ", 0, place)
    best = line if place - line < 500 else blank  # a line end where one is near
    return best if best > 0 else place
