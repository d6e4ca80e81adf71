"""Tokenizers of other makers' formats: tiktoken's ranks and sentencepiece's models, read without their libraries.

    open_ranks(path, pattern)   `*.tiktoken`: a line a token, its bytes in base64 and its rank
    open_sentencepiece(path)    `*.model`: a protocol buffer with the pieces and how text is normalised

Both become a `tokenizers.Tokenizer`, so that everything else works as with our own; saved, it is a `tokenizer.json`.
Left out: sentencepiece models of type word and char, and its user-defined normalisation beyond the compiled map.
"""

from __future__ import annotations

import base64
import binascii
import itertools
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers

from groundup.core.errors import ArtifactError
from groundup.tokenizer.pattern import PATTERN, byte_characters

ENDINGS = (".tiktoken", ".model")


def open_foreign(path: Path) -> tokenizers.Tokenizer:
    """The tokenizer in a `.tiktoken` or `.model` file. Raises ArtifactError when it cannot be read as one."""
    try:
        return open_ranks(path) if path.suffix == ".tiktoken" else open_sentencepiece(path)
    except (ValueError, IndexError, KeyError, struct.error, binascii.Error, OSError) as error:
        raise ArtifactError(f"{path} cannot be read as a tokenizer: {error}.") from None


def open_ranks(path: Path, pattern: str = PATTERN, special: Mapping[str, int] | None = None) -> tokenizers.Tokenizer:
    """tiktoken's ranks: byte-level BPE whose ids are the ranks.

    pattern: how text is cut before merging; the file does not say, so ours (that of Qwen, near GPT-4's) is the default.
    special: special tokens and their ids, beyond the ranks.
    """
    ranks: dict[bytes, int] = {}
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if not line.strip():
            continue
        parts = line.split()
        if len(parts) != 2:
            raise ValueError(f"line {number} is not a token and its rank")
        ranks[base64.b64decode(parts[0], validate=True)] = int(parts[1])
    missing = [byte for byte in range(256) if bytes([byte]) not in ranks]
    if missing:
        raise ValueError(f"{len(missing)} of the 256 bytes have no rank")
    names = byte_characters()
    spelled = {token: "".join(names[byte] for byte in token) for token in ranks}
    merges = []
    for token in sorted((token for token in ranks if len(token) > 1), key=ranks.__getitem__):
        parts = _joined_from(token, ranks)
        if len(parts) == 2:
            merges.append((spelled[parts[0]], spelled[parts[1]]))
    vocabulary = {spelled[token]: rank for token, rank in ranks.items()}
    # Ranks are the merge order, but a token that no merge reaches must still be found whole: as tiktoken does
    tokenizer = tokenizers.Tokenizer(models.BPE(vocab=vocabulary, merges=merges, ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(tokenizers.Regex(pattern), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    if special:
        tokenizer.add_special_tokens(sorted(special, key=special.__getitem__))
    return tokenizer


def _joined_from(token: bytes, ranks: Mapping[bytes, int]) -> list[bytes]:
    """The two tokens that were joined into this one: merge its bytes with the merges learned before it."""
    parts = [token[place : place + 1] for place in range(len(token))]
    limit = ranks[token]
    while len(parts) > 2:
        known = [(ranks.get(a + b, limit), place) for place, (a, b) in enumerate(itertools.pairwise(parts))]
        rank, place = min(known)
        if rank >= limit:
            break
        parts[place : place + 2] = [parts[place] + parts[place + 1]]
    return parts


NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6  # sentencepiece's types of piece
UNIGRAM, BPE = 1, 2  # and of model


def open_sentencepiece(path: Path) -> tokenizers.Tokenizer:
    """A sentencepiece model (Kudo and Richardson 2018) of type unigram or BPE."""
    pieces: list[tuple[str, float, int]] = []
    trainer: dict[int, Any] = {}
    normalizer: dict[int, Any] = {}
    for field, value in _fields(path.read_bytes()):
        if field == 1:
            piece = dict(_fields(value))
            pieces.append((piece.get(1, b"").decode("utf-8"), _float(piece.get(2)), piece.get(3, NORMAL)))
        elif field == 2:
            trainer = dict(_fields(value))
        elif field == 3:
            normalizer = dict(_fields(value))
    if not pieces:
        raise ValueError("it holds no pieces")
    unknown = next((place for place, piece in enumerate(pieces) if piece[2] == UNKNOWN), None)
    fallback = any(kind == BYTE for _, _, kind in pieces)
    kind = trainer.get(3, UNIGRAM)
    if kind == UNIGRAM:
        model: Any = models.Unigram(
            [(text, score) for text, score, _ in pieces], unk_id=unknown, byte_fallback=fallback
        )
    elif kind == BPE:
        vocabulary = {text: place for place, (text, _, _) in enumerate(pieces)}
        model = models.BPE(
            vocab=vocabulary,
            merges=_merges(pieces, vocabulary),
            unk_token=pieces[unknown][0] if unknown is not None else None,
            byte_fallback=fallback,
            fuse_unk=True,
        )
    else:
        raise ValueError(f"models of type {kind} are not supported, only unigram (1) and BPE (2)")
    tokenizer = tokenizers.Tokenizer(model)
    prefix = "always" if normalizer.get(3, 1) else "never"
    steps: list[Any] = [normalizers.Precompiled(normalizer[2])] if normalizer.get(2) else []
    if normalizer.get(4, 1):  # remove_extra_whitespaces
        steps += [normalizers.Strip(), normalizers.Replace(tokenizers.Regex(" {2,}"), " ")]
    if steps:
        tokenizer.normalizer = normalizers.Sequence(steps)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme=prefix, split=False)
    back: list[Any] = [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
    tokenizer.decoder = decoders.Sequence([*back, decoders.Strip(" ", 1, 0)] if prefix == "always" else back)
    tokenizer.add_special_tokens([text for text, _, kind in pieces if kind in (UNKNOWN, CONTROL)])
    return tokenizer


def _merges(pieces: list[tuple[str, float, int]], vocabulary: Mapping[str, int]) -> list[tuple[str, str]]:
    """All pairs of pieces that spell a piece, in the order of the joined piece's score (the higher first)."""
    found = []
    for text, score, kind in pieces:
        if kind == NORMAL:
            halves = [(text[:cut], text[cut:]) for cut in range(1, len(text))]
            halves = [(a, b) for a, b in halves if a in vocabulary and b in vocabulary]
            found += [(-score, vocabulary[a], vocabulary[b], a, b) for a, b in halves]
    return [(a, b) for *_, a, b in sorted(found)]


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """(field number, value) of a protocol buffer: integers, 4 or 8 raw bytes, or byte strings."""
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        form = key & 7
        if form == 0:
            value, place = _varint(data, place)
            yield key >> 3, value
            continue
        if form == 2:
            size, place = _varint(data, place)
        elif form in (1, 5):
            size = 8 if form == 1 else 4
        else:
            raise ValueError(f"byte {place} is no field of a protocol buffer")
        if place + size > len(data):
            raise ValueError("the file ends in the middle of a field")
        yield key >> 3, data[place : place + size]
        place += size


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place
        if shift > 63:
            raise ValueError(f"byte {place} is no number of a protocol buffer")


def _float(raw: bytes | None) -> float:
    return float(struct.unpack("<f", raw)[0]) if raw else 0.0
