"""The data statement: what the clean corpus is, as a table of its sources and bars of lengths, languages, licences.

In: clean.json's ``statement`` (`clean.statement`). A statement of another shape is left out: older runs are still read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from groundup.report.charts import bar
from groundup.report.markup import Html, number, shorten, table, tag
from groundup.report.read import Run

NAME = 24  # characters of a name beside its bar
SHOWN = 8  # rows of a list of bars; what is left is summed up in the last one
NOTE = (
    "Median length in words, to the power of two below. Measured on a sample: different words are an estimate; variety is "
    "the share of different words among 50 in a row; reading ease is Flesch's, for English only: 90 is easy, 60 to 70 plain "
    "English, below 30 hard."
)


def statement(run: Run) -> Html | None:
    """The statement, or None where the run has none yet."""
    record = run.json("2_clean/clean.json")
    figures = record.get("statement") if isinstance(record, dict) else None
    whole = figures.get("whole") if isinstance(figures, dict) else None
    if not isinstance(whole, dict) or not whole.get("documents"):
        return None
    assert isinstance(figures, dict)
    lists = [
        _bars("Length in words", _spans(whole.get("lengths", {})), keep_order=True),
        _bars("Languages", whole.get("languages", {})),
        _bars("Licences", whole.get("licences", {})),
        _bars("Kinds", whole.get("kinds", {})),
        _bars("Years", whole.get("years", {}), keep_order=True),
    ]
    return tag(
        "div",
        tag("h3", "Data statement"),
        tag("p", _lead(figures, whole)),
        _sources(figures.get("by_source", {}), whole),
        tag("p", NOTE, class_="why"),
        tag("div", lists, class_="bar-lists"),
    )


def _lead(figures: Mapping[str, Any], whole: Mapping[str, Any]) -> str:
    sources = len(figures.get("by_source", {}))
    told = (
        f"{whole['documents']:,} documents from {sources} source{'s' if sources != 1 else ''}: "
        f"{number(whole['words'])} words, {number(whole['characters'])} characters."
    )
    copies = [
        f"{share:.1%} were {what}"
        for name, what in (("share_exact_duplicates", "exact copies"), ("share_near_duplicates", "near copies"))
        if (share := figures.get(name))
    ]
    return f"{told} Of what came in, {' and '.join(copies)}." if copies else told


def _sources(by_source: Mapping[str, Mapping[str, Any]], whole: Mapping[str, Any]) -> Html:
    head = ["Source", "Documents", "Words", "Median length", "Different words", "Variety", "Reading ease"]
    rows = [_row(name, facts) for name, facts in by_source.items()]
    if len(rows) > 1:
        rows.append(_row("all", whole))
    return table(head, rows, numbers=(1, 2, 3, 4, 5, 6))


def _row(name: str, facts: Mapping[str, Any]) -> list[Any]:
    middle = facts.get("words_per_document", {}).get("p50")
    ratio = facts.get("type_token_ratio")
    about = [_most(facts.get("languages", {}), "unknown"), _most(facts.get("licences", {}), "not stated")]
    return [
        [name.replace("_", " "), tag("small", shorten("; ".join(filter(None, about)), 2 * NAME))],
        number(facts["documents"]),
        number(facts["words"]),
        f"{middle:,}+" if middle else "-",
        number(facts.get("vocabulary") or None),
        f"{ratio:.0%}" if ratio else "-",
        number(facts.get("reading_ease")),
    ]


def _most(counts: Mapping[str, int], silent: str) -> str:
    """The commonest value beside the `silent` one, with how many others there are."""
    names = [name for name in counts if name != silent]
    if len(names) < 2:
        return "".join(names)
    return f"{names[0]} and {len(names) - 1} more"


def _spans(lengths: Mapping[str, int]) -> dict[str, int]:
    """ "64": n becomes "64 to 127": n; the rare ends are put together."""
    spans: dict[str, int] = {}
    for length, count in sorted(lengths.items(), key=lambda item: int(item[0])):
        low = int(length)
        name = "under 32" if low < 32 else "65,536 and more" if low >= 65_536 else f"{low:,} to {2 * low - 1:,}"
        spans[name] = spans.get(name, 0) + count
    return spans


def _bars(title: str, counts: Mapping[str, int], *, keep_order: bool = False) -> Html | None:
    """A list of bars; None where there is only one value to tell, which the table tells."""
    if len(counts) < 2:
        return None
    shown = list(counts.items())
    if not keep_order:
        shown.sort(key=lambda item: -item[1])
    if len(shown) > SHOWN and not keep_order:
        rest = shown[SHOWN - 1 :]
        shown = [*shown[: SHOWN - 1], (f"{len(rest)} others", sum(count for _, count in rest))]
    longest = max(count for _, count in shown)
    rows = [
        tag(
            "div",
            tag("span", shorten(name, NAME), class_="name"),
            tag("span", bar(count / longest, label=f"{name}: {count:,} documents"), class_="drawn"),
            tag("span", f"{count:,}", class_="amount"),
            class_="funnel-row",
        )
        for name, count in shown
    ]
    return tag("div", tag("h4", title), rows)
