"""What makes a text dirty, one function a kind: (text, generator) -> (dirty text, truth).

The truth's `clean_text` is what a perfect cleaner gives back. All data is made up: names and addresses at
example.org, telephone numbers kept for fiction (Ofcom, NANP 555-01xx), IP addresses kept for documentation
(RFC 5737), random card numbers and IBANs that only satisfy their checksums.
"""

from __future__ import annotations

import html
import json
import random
import re
from functools import lru_cache
from importlib.resources import files
from typing import Any

from groundup.collect.samples.stories import lexicon
from groundup.collect.samples.stories.lexicon import word_list

Truth = dict[str, Any]
SHINGLE = 5  # words; FineWeb's near-duplicate step uses 5-grams too

BOILERPLATE_ABOVE = (
    "We use cookies to improve your experience. Accept all cookies | Reject all | Settings",
    "Home | News | About us | Contact | Login",
    "Skip to main content",
    "Share this on Facebook | Twitter | WhatsApp | E-mail",
    "Advertisement",
)
BOILERPLATE_BELOW = (
    "Copyright 2024 Story Valley Press. All rights reserved. Terms of use | Privacy policy",
    "Subscribe to our newsletter and never miss a story again!",
    "Read more: Top 10 stories of the week | Most popular | Related articles",
    "Licensed under the Apache License, Version 2.0 (the \"License\"); you may not use this file except in compliance"
    " with the License.",
    "Leave a comment | Log in to reply",
)  # fmt: skip

# Sentences with characters beyond ASCII, so that wrong decoding shows.
_ACCENTED = (
    "They had cr\u00e8me br\u00fbl\u00e9e at the caf\u00e9.",
    "\u201cHow na\u00efve \u2014 but how lovely!\u201d said the fianc\u00e9e.",
    "It wasn\u2019t far, and it didn\u2019t cost more than 5\u00a2 or 3\u20ac.",
    "A man from M\u00fcnchen sang about the sch\u00f6ne Stra\u00dfe.",
    "The se\u00f1ora\u2019s pi\u00f1ata was 20\u00b0 warmer than the ma\u00eetre\u2019s soup.",
)


def boilerplate(text: str, draw: random.Random) -> tuple[str, Truth]:
    """Cookie lines and navigation above, rights and newsletters below."""
    above = draw.sample(BOILERPLATE_ABOVE, draw.randint(1, 3))
    below = draw.sample(BOILERPLATE_BELOW, draw.randint(1, 2))
    return "\n".join([*above, "", text, "", *below]), {"clean_text": text, "lines": [*above, *below]}


def mojibake(text: str, draw: random.Random) -> tuple[str, Truth]:
    """A sentence with accents is added, then the whole text is decoded wrongly, once or twice."""
    clean = insert_sentence(text, draw.choice(_ACCENTED), draw)
    kind = draw.choice(("cp1252", "latin-1", "cp1252 twice"))
    encoding = kind.split()[0]
    dirty = clean
    for _ in range(2 if kind.endswith("twice") else 1):
        dirty = _wrongly_decoded(dirty, encoding)
    return dirty, {"clean_text": clean, "kind": kind}


def _wrongly_decoded(text: str, encoding: str) -> str:
    """UTF-8 read as `encoding`; bytes that Windows-1252 lacks become control characters, as in web browsers."""
    raw = text.encode("utf-8")
    return "".join(bytes([byte]).decode(encoding, "ignore") or chr(byte) for byte in raw)


def personal_data(text: str, draw: random.Random) -> tuple[str, Truth]:
    """One to three sentences with made-up personal data. Truth: spans {start, end, kind, text} in the new text."""
    values: list[tuple[str, str]] = []
    for kind in draw.sample(list(_PERSONAL), draw.randint(1, 3)):
        sentence, value = _PERSONAL[kind](draw)
        text = insert_sentence(text, sentence, draw)
        values.append((kind, value))
    spans = []
    for kind, value in values:
        start = text.index(value)
        spans.append({"start": start, "end": start + len(value), "kind": kind, "text": value})
    return text, {"spans": sorted(spans, key=lambda span: span["start"])}


def _email(draw: random.Random) -> tuple[str, str]:
    first, last = draw.choice(lexicon.WOMEN + lexicon.MEN), draw.choice(_SURNAMES)
    value = (
        f"{first.lower()}.{last.lower()}{draw.choice(('', draw.randint(1, 99)))}@example.{draw.choice(('org', 'com'))}"
    )
    return f"Please write to {value} for more.", value


def _phone(draw: random.Random) -> tuple[str, str]:
    value = draw.choice(
        (
            f"+44 20 7946 0{draw.randint(0, 999):03d}",
            f"+1 {draw.choice((212, 415, 617))}-555-01{draw.randint(0, 99):02d}",
            f"({draw.choice((212, 415, 617))}) 555-01{draw.randint(0, 99):02d}",
        )
    )
    return f"Call {value} after six.", value


def _card(draw: random.Random) -> tuple[str, str]:
    digits = "4" + "".join(str(draw.randint(0, 9)) for _ in range(14))
    digits += next(last for last in "0123456789" if passes_luhn(digits + last))
    value = " ".join(digits[place : place + 4] for place in range(0, 16, 4))
    return f"The card number is {value}, they said.", value


def _iban(draw: random.Random) -> tuple[str, str]:
    country, length = draw.choice((("DE", 18), ("AT", 16), ("BE", 12)))
    account = "".join(str(draw.randint(0, 9)) for _ in range(length))
    check = 98 - _mod97(account + country + "00")
    return f"The money goes to {country}{check:02d}{account} every month.", f"{country}{check:02d}{account}"


def _ip(draw: random.Random) -> tuple[str, str]:
    value = f"{draw.choice(('192.0.2', '198.51.100', '203.0.113'))}.{draw.randint(1, 254)}"
    return f"The server at {value} was down.", value


def _name(draw: random.Random) -> tuple[str, str]:
    value = f"{draw.choice(lexicon.WOMEN + lexicon.MEN)} {draw.choice(_SURNAMES)}"
    return f"The letter was signed by {value} in person.", value


_PERSONAL = {"email": _email, "phone": _phone, "card": _card, "iban": _iban, "ip": _ip, "name": _name}
_SURNAMES = word_list("""
    Abbott Ashworth Barlow Becker Bennett Castellano Chandra Dawson Delgado Ellery Fairbanks Finch Garnett Haddad
    Hargreaves Ivarsson Jankowski Kessler Lindqvist Marlowe Nakamura Okafor Pemberton Quigley Rasmussen Sinclair
    Thackeray Underhill Vasquez Whitaker Yamada Zimmermann""")


def passes_luhn(digits: str) -> bool:
    """The checksum of card numbers (ISO/IEC 7812-1)."""
    doubled = (int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(digits)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def passes_iban(value: str) -> bool:
    """The checksum of IBANs (ISO 13616, mod 97)."""
    return _mod97(value[4:] + value[:4]) == 1


def _mod97(text: str) -> int:
    return int("".join(str(int(letter, 36)) for letter in text)) % 97


def near_copy(text: str, level: float, draw: random.Random) -> tuple[str, float]:
    """Replace the end of a text until the Jaccard index of 5-word shingles is at or below `level`; (text, index).

    Replacing word by word from the end takes away one shingle each time, so that the level is met closely.
    """
    words = text.split(" ")
    original = shingles(text)
    other = " ".join(draw.sample(lexicon.WEATHER, len(lexicon.WEATHER))).split()
    for num_replaced in range(1, len(words) + 1):
        tail = [other[place % len(other)] for place in range(num_replaced)]
        copy = " ".join([*words[:-num_replaced], *tail])
        now = jaccard(original, shingles(copy))
        if now <= level:
            break
    return copy.rstrip(".") + ".", now


def shingles(text: str) -> set[tuple[str, ...]]:
    """The 5-word shingles of a text, in lower case and without marks."""
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[place : place + SHINGLE]) for place in range(max(1, len(words) - SHINGLE + 1))}


def jaccard(first: set[tuple[str, ...]], second: set[tuple[str, ...]]) -> float:
    """Shared over all."""
    return len(first & second) / len(first | second)


def other_language(draw: random.Random) -> tuple[str, str]:
    """(ISO 639-1, a paragraph of six sentences of our own) in one of the other languages."""
    language = draw.choice(sorted(_paragraphs()))
    return language, " ".join(draw.sample(_paragraphs()[language], 6))


@lru_cache(maxsize=1)
def _paragraphs() -> dict[str, list[str]]:
    text = (files("groundup.collect.samples") / "other_languages.json").read_text(encoding="utf-8")
    sentences: dict[str, list[str]] = json.loads(text)
    return sentences


def html_page(text: str, draw: random.Random) -> str:
    """The text as the article of a web page with everything that a page carries around it."""
    title = text.split(".")[0][:60]
    paragraphs = "\n".join(f"      <p>{html.escape(part, quote=False)}</p>" for part in re.split(r"\n+", text) if part)
    above, side = draw.choice(BOILERPLATE_ABOVE), draw.choice(BOILERPLATE_BELOW)
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{html.escape(title)} | Story Valley</title>
<style>body {{ font-family: serif; }} .ad {{ color: red; }}</style>
<script>window.visits = (window.visits || 0) + {draw.randint(1, 9)};</script></head>
<body>
  <header><a href="/">Story Valley</a></header>
  <nav><ul><li><a href="/">Home</a></li><li><a href="/new">New</a></li><li><a href="/about">About</a></li></ul></nav>
  <div class="cookie-banner">{html.escape(above)}</div>
  <main>
    <article>
{paragraphs}
    </article>
  </main>
  <aside class="ad">{html.escape(side)}</aside>
  <footer>Copyright 2024 Story Valley Press <a href="/privacy">Privacy</a></footer>
</body>
</html>
"""


def insert_sentence(text: str, sentence: str, draw: random.Random) -> str:
    """Put a sentence between two sentences of the first paragraph, on the same line (a line of its own that many
    documents share would be taken for boilerplate)."""
    first, break_, rest = text.partition("\n")
    ends = [match.end() for match in re.finditer(r"(?<=[a-z][.!?]) (?=[A-Z])", first)]
    if not ends:
        return f"{first} {sentence}{break_}{rest}"
    place = draw.choice(ends)
    return f"{first[:place]}{sentence} {first[place:]}{break_}{rest}"
