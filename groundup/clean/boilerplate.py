"""Boilerplate: lines that no reader came for.

- lines at the top or bottom that stand in many different documents (counted over the corpus in a first pass);
- lines known by their words: cookies, navigation, sharing, subscription, copyright;
- frames: Project Gutenberg header and licence, Markdown front matter (its title is kept), licence comments on code.

Memory: a shard's line hashes where it is looked at; in one place two tables of 2^22 counters (a count-min sketch, Cormode
and Muthukrishnan 2005) and 8 bytes a document; in every worker the decision, 1 MB of bits.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import xxhash

from groundup.clean.base import STEPS, Step, kind_of
from groundup.clean.frames import without_front_matter, without_gutenberg_frame, without_licence_comment
from groundup.clean.options import CleanOptions
from groundup.core.document import Document, Dropped

if TYPE_CHECKING:
    from groundup.clean.base import Arrays

TABLE_BITS = 22  # 4M counters: with 1M different lines a false count of 10 has a chance below 1e-9
MAX_LINE = 400  # characters; longer lines are paragraphs, the concern of duplicates
MIN_LETTERS = 6  # "* * *", "}" and page numbers say nothing about where they come from

# Lines are matched whole, up to MAX_LINE characters, in lower case.
_KNOWN = re.compile(
    r"""(?:we|this\ (?:web)?site|our\ (?:web)?site|our\ partners)\b.{0,60}\buses?\ cookies\b
    |by\ (?:continuing|using|clicking|browsing).{0,80}\b(?:cookies|terms|privacy\ policy)
    |(?:accept|reject|manage)(?:\ all)?\ cookies|cookie\ (?:policy|settings|preferences|notice)\W*$
    |.{0,60}\ball\ rights\ reserved\b|(?:copyright|\(c\)|\u00a9)\s?(?:\(c\)|\u00a9)?\s?[12][0-9]{3}\b.{0,120}$
    |skip\ to\ (?:main\ )?(?:content|navigation)|back\ to\ (?:the\ )?top\W*$|(?:jump|go)\ to\ (?:navigation|search|content)\W*$
    |(?:please\ )?(?:sign\ up|subscribe|register)\ (?:to|for)\ (?:our|the|my)\b.{0,40}
     (?:newsletter|updates|mailing\ list|blog|feed)
    |(?:share|follow|like|find)\ (?:this|us|it|me)?\b.{0,30}\bon\ (?:facebook|twitter|x|instagram|linkedin|pinterest|social)
    |(?:please\ )?(?:enable|turn\ on|activate)\ javascript|.{0,60}requires?\ javascript
    |javascript\ (?:is|must\ be)\ (?:disabled|enabled)
    |(?:privacy\ policy|terms\ of\ (?:use|service)|terms\ (?:and|&)\ conditions|contact\ us|about\ us|site\ ?map
     |advertise(?:\ with\ us)?)\W*$
    |(?:click|tap)\ here\ to\ (?:subscribe|sign\ up|log\ ?in|read\ more|share|download)
    |(?:read\ more|continue\ reading|learn\ more|log\ ?in|sign\ (?:in|up)|register|subscribe(?:\ now)?|share|print|e-?mail\ this
     |menu|search|advertisement|sponsored(?:\ content)?|loading|next|previous|home)\W*$
    |(?:leave\ a\ (?:reply|comment)|post\ a\ comment|related\ (?:articles|posts|stories)|you\ (?:may|might)\ also\ like
     |most\ (?:read|popular))\b.{0,20}$
    |licensed\ under\ the\ .{0,60}\blicen[cs]e|share\ (?:this\ )?on\ (?:facebook|twitter|whatsapp)
    |powered\ by\ \w+.{0,30}$""",
    re.VERBOSE,
)
# What a known line can begin with, so that few lines meet the pattern; two of its branches look further than that
_LISTED = """we this our by accept reject manage cookie copyright skip back jump go please sign subscribe register share
follow like find enable turn activate javascript privacy terms contact about site sitemap advertise click tap read continue
learn log login print email e menu search advertisement sponsored loading next previous home leave post related you most
licensed powered"""
_BEGINNINGS = frozenset(_LISTED.split())
_FURTHER = ("all rights reserved", "javascript")
_BEGINNING = re.compile(r"[a-z]+")
# "Home | About | Contact", "News > World > Europe": three or more short parts without a sentence
_MENU_MARKS = ("|", ">", "\u00bb", "\u2022", "\u00b7")
_MENU = re.compile(
    r"(?:[^|>\u00bb\u2022\u00b7/]{1,45}\s?[|>\u00bb\u2022\u00b7]\s?){2,20}[^|>\u00bb\u2022\u00b7]{0,30}$"
)
_LETTERS = re.compile(rf"(?:[\W\d_]*[^\W\d_]){{{MIN_LETTERS}}}")  # so many, wherever they stand
_TABLE_ROW = re.compile(r"\s*\|.*\|\s*$")


_FIELD = re.compile(r"\s*\w[\w ]{0,24}:\s*\S")  # "Answer: yes", "Speaker: text": data, not decoration
_EMPTY_LINES = re.compile(r"\n{3,}")


@STEPS.register("boilerplate")
class Boilerplate(Step):
    """Removes lines and frames; a document of which nothing is left is dropped as "only_boilerplate"."""

    name = "boilerplate"
    needs_corpus = True

    def __init__(self, options: CleanOptions) -> None:
        super().__init__(options)
        self.options = options.boilerplate
        # Of the shard being looked at
        self.identities: list[int] = []  # hash of each different text
        self.hashes: list[np.ndarray] = []  # of each such text, its different lines' hashes
        self.in_shard: set[int] = set()
        # Of the whole corpus
        self.tables: np.ndarray | None = None  # (2, 2^22) counters, made when the first facts come
        self.seen_texts: set[int] = set()  # a copied document must not make its own lines look common
        self.common: np.ndarray | None = None  # the decision: (2, 2^22 / 8) bits, 1 where the count reaches the limit

    def look(self, document: Document) -> None:
        if not self.options.repeated or kind_of(document) == "code":
            return
        identity = int(document.content_hash[:15], 16)
        if identity in self.in_shard:
            return
        self.in_shard.add(identity)
        lines = {_line_hash(line) for line in document.text.split("\n")}
        lines.discard(0)
        self.identities.append(identity)
        self.hashes.append(np.fromiter(lines, dtype=np.uint64, count=len(lines)))

    def seen(self) -> Arrays:
        facts = {
            "identities": np.array(self.identities, dtype=np.uint64),
            "sizes": np.array([len(lines) for lines in self.hashes], dtype=np.int64),
            "lines": np.concatenate([*self.hashes, np.zeros(0, dtype=np.uint64)]),
        }
        self.identities, self.hashes, self.in_shard = [], [], set()
        return facts

    def take(self, facts: Arrays) -> None:
        if self.tables is None:
            self.tables = np.zeros((2, 1 << TABLE_BITS), dtype=np.uint32)
        identities = facts["identities"].tolist()
        is_new = np.array([identity not in self.seen_texts for identity in identities], dtype=bool)
        self.seen_texts.update(identities)
        lines = facts["lines"][np.repeat(is_new, facts["sizes"])]
        for row, places in zip(self.tables, _places(lines), strict=True):
            row += np.bincount(places, minlength=1 << TABLE_BITS).astype(np.uint32)

    def settle(self) -> Arrays:
        limit = max(self.options.min_documents, round(self.options.min_share * len(self.seen_texts)))
        tables = np.zeros((2, 1 << TABLE_BITS), dtype=np.uint32) if self.tables is None else self.tables
        self.tables, self.seen_texts = None, set()
        return {"common": np.packbits(tables >= limit, axis=1)}

    def adopt(self, decision: Arrays) -> None:
        self.common = decision["common"]

    def apply(self, document: Document) -> Document | Dropped:
        text, meta = document.text, document.meta
        kind = kind_of(document)
        if self.options.headers:
            text, meta = self._without_frames(text, kind, document)
        if kind != "code":
            text = self._without_lines(text, kind)
        if not text.strip():
            return self.drop(document, "only_boilerplate")
        return document if text == document.text else document.with_text(text, meta=meta)

    def _without_frames(self, text: str, kind: str, document: Document) -> tuple[str, dict[str, object]]:
        meta = document.meta
        if kind == "code":
            return without_licence_comment(text), meta
        if "PROJECT GUTENBERG" in text[:30_000].upper():
            text = without_gutenberg_frame(text)
        if text.startswith(("---\n", "+++\n")):
            text, facts = without_front_matter(text)
            meta = {**meta, **{name: value for name, value in facts.items() if name not in meta}}
        return text, meta

    def _without_lines(self, text: str, kind: str) -> str:
        lines = text.split("\n")
        gone = self._repeated_edges(lines) if self.options.repeated else set()
        if self.options.known:
            gone |= _known_lines(text, lines, kind)
        if not gone:
            return text
        self.counts["lines"] += len(gone)
        kept = "\n".join(line for place, line in enumerate(lines) if place not in gone)
        return _EMPTY_LINES.sub("\n\n", kept).strip("\n")

    def _repeated_edges(self, lines: list[str]) -> set[int]:
        """Places of common lines that form an unbroken run at the top or the bottom of the document.

        Inside a document common lines are content more often than not: verses, answers, "Chapter 1".
        """
        gone: set[int] = set()
        for order in (range(len(lines)), range(len(lines) - 1, -1, -1)):
            for place in order:
                line = lines[place]
                if not line.strip() or place in gone:
                    continue
                if _FIELD.match(line) or line.startswith("#") or not self._is_common(line):
                    break
                gone.add(place)
        return gone

    def _is_common(self, line: str) -> bool:
        """Whether the line stands in so many different documents (never wrongly not, hardly ever wrongly so)."""
        number = _line_hash(line)
        if not number or self.common is None:
            return False
        low, high = number & ((1 << TABLE_BITS) - 1), number >> (64 - TABLE_BITS)
        return _bit(self.common[0], low) and _bit(self.common[1], high)


def _bit(bits: np.ndarray, place: int) -> bool:
    return bool(bits[place >> 3] >> (7 - (place & 7)) & 1)


def _places(hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    low = (hashes & np.uint64((1 << TABLE_BITS) - 1)).astype(np.int64)
    return low, (hashes >> np.uint64(64 - TABLE_BITS)).astype(np.int64)


def _line_hash(line: str) -> int:
    """A line's identity without case and outer space; 0 for lines too short or too long to count."""
    if not MIN_LETTERS <= len(line) <= MAX_LINE:
        return 0
    plain = line.strip().lower()
    if not _LETTERS.match(plain, 0, 60):
        return 0
    return xxhash.xxh3_64_intdigest(plain.encode("utf-8", "replace"))


def _known_lines(text: str, lines: list[str], kind: str) -> set[int]:
    """Places of lines that their own words give away; lines in a Markdown fence are left alone."""
    gone: set[int] = set()
    fenced = False
    has_menus = kind == "prose" and any(mark in text for mark in _MENU_MARKS)
    for place, line in enumerate(lines):
        if kind == "markdown" and line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        elif line and not fenced and len(line) <= MAX_LINE:
            plain = line.strip().lower()
            if (_may_be_known(plain) and _KNOWN.match(plain)) or (has_menus and _is_menu(plain)):
                gone.add(place)
    return gone


def _may_be_known(line: str) -> bool:
    word = _BEGINNING.match(line)
    begins = word.group() in _BEGINNINGS if word else line.startswith(("(c)", "\u00a9"))
    return begins or any(words in line for words in _FURTHER)


def _is_menu(line: str) -> bool:
    return (
        len(line) <= 200
        and any(mark in line for mark in _MENU_MARKS)
        and (_MENU.match(line) is not None and not _TABLE_ROW.match(line) and not line.endswith((".", "!", "?")))
    )
