"""How fast the tokenizer learns and encodes, beside the libraries called directly on the same text, in one process.

    python -m benchmarks.tokenizer --data FOLDER     FOLDER: real public data (pretrain_books_en/ ...)

Learning: byte-level BPE of one size with one pattern; ours beside `tokenizers` and rustbpe. Encoding: many texts at
once; ours beside `tokenizers` and tiktoken with the same vocabulary (ids compared). Wall seconds, medians of rounds in
turns, on all cores of the machine. A peer that is not installed is left out.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from groundup.tokenizer.base import Tokenizer
from groundup.tokenizer.pattern import PATTERN
from groundup.tokenizer.special import SPECIAL

SETS = ("pretrain_books_en/books", "pretrain_gov_articles/articles", "pretrain_code/code")


def texts_of(folder: Path, size: int) -> list[str]:
    """About `size` characters in pieces of 10,000, evenly from prose and code."""
    texts: list[str] = []
    for name in SETS:
        taken = 0
        with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
            for line in file:
                text = str(json.loads(line)["text"])
                pieces = [text[start : start + 10_000] for start in range(0, len(text), 10_000)]
                texts += pieces
                taken += len(text)
                if taken > size / len(SETS):
                    break
    return texts


def learn_directly(texts: list[str], size: int) -> Any:
    """The `tokenizers` library as its documentation calls it."""
    import tokenizers
    from tokenizers import models, pre_tokenizers, trainers

    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(tokenizers.Regex(PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=size, min_frequency=2, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer=trainer)
    return tokenizer


def learn_rust(texts: list[str], size: int) -> Any:
    import rustbpe

    tokenizer = rustbpe.Tokenizer()
    tokenizer.train_from_iterator(iter(texts), size, pattern=PATTERN)
    return tokenizer


def rounds(works: dict[str, Callable[[], Any]], number: int) -> dict[str, tuple[float, Any]]:
    """Median seconds and last result of each work, done in turns."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    results: dict[str, Any] = {}
    for _ in range(number):
        for name, work in works.items():
            start = time.perf_counter()
            results[name] = work()
            seconds[name].append(time.perf_counter() - start)
    return {name: (statistics.median(seconds[name]), results[name]) for name in works}


def table(what: str, size: float, found: dict[str, tuple[float, Any]], notes: dict[str, str]) -> None:
    ours = found["ours"][0]
    for name, (taken, _) in found.items():
        ratio = "" if name == "ours" else f"ours {taken / ours:.2f}x"
        print(f"{what:<10}{name:<14}{taken:>8.2f} s{size / taken:>9.2f} MB/s  {ratio:<12}{notes.get(name, '')}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--megabytes", type=float, default=6.0)
    parser.add_argument("--vocabulary", type=int, default=8192)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    texts = texts_of(given.data, int(given.megabytes * 1e6))
    size = sum(len(text.encode("utf-8")) for text in texts) / 1e6
    print(f"{size:.1f} MB in {len(texts)} texts, vocabulary {given.vocabulary}, {os.cpu_count()} cores")

    plain = given.vocabulary - len(SPECIAL)
    learners: dict[str, Callable[[], Any]] = {
        "ours": lambda: Tokenizer.train(texts, "bpe", given.vocabulary),
        "tokenizers": lambda: learn_directly(texts, plain),
    }
    if importlib.util.find_spec("rustbpe"):
        learners["rustbpe"] = lambda: learn_rust(texts, plain)
    learned = rounds(learners, given.rounds)
    table("learn", size, learned, {})

    ours: Tokenizer = learned["ours"][1]
    direct = learned["tokenizers"][1]
    encoders: dict[str, Callable[[], Any]] = {
        "ours": lambda: ours.encode_batch(texts),
        "tokenizers": lambda: [item.ids for item in direct.encode_batch_fast(texts, add_special_tokens=False)],
    }
    if importlib.util.find_spec("tiktoken"):
        import tiktoken

        ranks = {ours.token_bytes(place): place for place in range(len(SPECIAL), ours.vocabulary_size)}
        peer = tiktoken.Encoding("ours", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens={})
        encoders["tiktoken"] = lambda: peer.encode_ordinary_batch(texts, num_threads=os.cpu_count() or 1)
    encoded = rounds(encoders, given.rounds)
    notes = {
        name: f"same ids in {sum(a == b for a, b in zip(ids, encoded['ours'][1], strict=True))} of {len(texts)}"
        for name, (_, ids) in encoded.items()
        if name == "tiktoken"
    }
    table("encode", size, encoded, notes)


if __name__ == "__main__":
    main()
