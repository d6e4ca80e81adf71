"""Personal data in text: what is found, and what to do with it. The front door of the recognisers.

In: text. Out: findings with character offsets. Two families:

- kinds with a form (`KINDS`): recognised by patterns, checksums and the words around them (`recognisers`,
  `identity_numbers`). Searched by default.
- kinds that only context tells (`NAMED`): persons, addresses, places, organizations ... by the tagger of `names`. Asked
  for by name, because masking every name makes books unreadable: for letters, support logs, records.

Time is linear in the text, whatever it holds.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Iterable, Iterator

from groundup.language.identity_numbers import national_ids
from groundup.language.recognisers import (
    NUMERIC,
    Finding,
    emails,
    iban_is_valid,
    keys,
    luhn,
    urls,
    windows,
)

__all__ = [
    "ALL_KINDS",
    "KINDS",
    "NAMED",
    "Finding",
    "find",
    "iban_is_valid",
    "log_entries",
    "luhn",
    "mask",
    "pseudonym",
]

KINDS = ("email", "card", "iban", "phone", "ip", "mac", "ssn", "national_id", "key", "birth_date")
NAMED = (
    "person",
    "address",
    "place",
    "organization",
    "nationality",
    "age",
    "date",
    "title",
    "postcode",
    "licence",
)
ALL_KINDS = (*KINDS, "url", *NAMED)
ACTIONS = ("mask", "remove", "pseudonym")


def find(text: str, kinds: Collection[str] = KINDS) -> list[Finding]:
    """Findings of these kinds in order, without overlaps: where two claim the same place, the surer kind wins."""
    findings = _formed(text, set(kinds))
    if any(kind in NAMED for kind in kinds):
        from groundup.language.names import default_tagger

        taken = bytearray(len(text))
        for item in findings:
            taken[item.start : item.end] = b"\x01" * (item.end - item.start)
        for item in default_tagger().find(text, _formed(text, {*KINDS, "url"})):
            if item.kind in kinds and 1 not in taken[item.start : item.end]:
                findings.append(item)
    return sorted(findings, key=lambda item: item.start)


def _formed(text: str, kinds: set[str]) -> list[Finding]:
    """Findings of the kinds with a form. All recognisers run, so that a surer kind keeps its place when not asked for."""
    findings: list[Finding] = []
    covered = bytearray(len(text))  # 1 where a surer recogniser has claimed the character

    def take(found: Iterator[Finding]) -> None:
        for item in found:
            if 1 not in covered[item.start : item.end]:
                if item.kind in kinds:
                    findings.append(item)
                covered[item.start : item.end] = b"\x01" * (item.end - item.start)

    take(emails(text))
    if "url" in kinds:
        take(urls(text))
    take(keys(text))
    around_digits = list(windows(text))
    for fewest, recogniser in (*NUMERIC[:-1], (4, national_ids), NUMERIC[-1]):  # phones last: their form says least
        for start, end, digits in around_digits:
            if digits >= fewest:
                take(recogniser(text, start, end))
    return findings


def mask(text: str, findings: Iterable[Finding], action: str = "mask", key: str = "") -> str:
    """`text` with its findings masked ("[email]"), removed, or replaced by pseudonyms.

    A pseudonym has the shape of the original and is the same for the same original and `key` (HMAC-SHA256), so that
    references stay consistent; without the key it cannot be traced back by trying originals.
    """
    if action not in ACTIONS:
        raise ValueError(f"unknown action '{action}', expected one of {ACTIONS}")
    pieces: list[str] = []
    place = 0
    for item in sorted(findings, key=lambda item: item.start):
        pieces.append(text[place : item.start])
        if action == "mask":
            pieces.append(f"[{item.kind}]")
        elif action == "pseudonym":
            pieces.append(pseudonym(item.kind, item.text, key))
        place = item.end
    return "".join(pieces) + text[place:]


def log_entries(findings: Iterable[Finding], key: str) -> list[dict[str, str | int]]:
    """What an audit may keep of findings: kind, place, length and a keyed hash. Never the text.

    The same original gives the same hash under the same key, so that a person's request ("is my number in there?")
    can be answered by whoever holds the key.
    """
    return [
        {
            "kind": item.kind,
            "start": item.start,
            "length": item.end - item.start,
            "hash": hmac.new(
                key.encode(), f"{item.kind}\n{item.text.strip().lower()}".encode(), hashlib.sha256
            ).hexdigest()[:16],
        }
        for item in findings
    ]


def pseudonym(kind: str, original: str, key: str) -> str:
    """A stand-in of the same kind and layout: digits become other digits, letters other letters."""
    digest = hmac.new(key.encode(), f"{kind}\n{original.strip().lower()}".encode(), hashlib.sha256).digest()
    if kind == "email":
        return f"person-{digest.hex()[:8]}@example.org"
    if kind == "ip":
        return f"10.{digest[0]}.{digest[1]}.{digest[2]}"
    stream = _stream(digest)
    drawn = []
    for character in original:
        if character.isdigit():
            drawn.append(str(next(stream) % 10))
        elif character.isalpha() and kind != "birth_date":
            letter = "abcdef"[next(stream) % 6]
            drawn.append(letter.upper() if character.isupper() else letter)
        else:
            drawn.append(character)
    return "".join(drawn)


def _stream(digest: bytes) -> Iterator[int]:
    while True:
        yield from digest
        digest = hashlib.sha256(digest).digest()
