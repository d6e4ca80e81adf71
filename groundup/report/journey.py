"""One document's way through the house: raw, clean, tokens, loss before and after, a question, back to the source.

The document is one of the held-out ones that pretraining followed (4_pretrain/journey.json) and evaluation asked about,
if there is one that cleaning changed; `_chosen` tells what comes next. The other steps look it up by its id.
"""

from __future__ import annotations

import difflib
import re
from typing import Any

from groundup.core.document import Document
from groundup.core.split import split_of
from groundup.report.markup import Html, join, shorten, tag, tidy
from groundup.report.read import Run

MAX_CHARACTERS = 1400  # taste: one screen of text; the rest is counted, not shown
LOOKED_AT = 200  # documents asked about, to find one whose text cleaning changed
MAX_TOKENS = 160  # taste: about as much text as that
HEAT_TOP = 7.0  # nats; ln(2048) = 7.6 is guessing in the demo's vocabulary


def section(run: Run) -> Html | None:
    """The opening section, or None when the run has no documents yet."""
    followed, items = _followed(run), _items(run)
    clean = _chosen(run, followed, items)
    record = followed.get(clean.id if clean else "") or next(iter(followed.values()), {})
    raw = run.document("1_collect/documents", clean.id) if clean else None
    raw = raw or next(iter(run.first_documents("1_collect/documents", 1)), None)
    shown = clean or raw
    if shown is None:
        return None
    steps = [
        _raw(raw) if raw else None,
        _clean(raw, clean) if raw and clean else None,
        _tokens(run, clean, record) if clean else None,
        _losses(run, record, shown),
        *_question(items, shown),
        _source(shown),
    ]
    present = [tag("li", step) for step in steps if step is not None]
    note = {
        "train": "It is one of the documents the model learned from.",
        "validation": "It was held out: the model never learned from it.",
        "test": "It was held out: the model never learned from it.",
    }[split_of(shown.id)]
    return tag(
        "section",
        tag("h2", "One document's journey"),
        tag(
            "p",
            f"A single document, followed from the moment it came in to the answer it can check. {note}",
            class_="lead",
        ),
        tag("ol", present, class_="journey"),
        id="journey",
    )


def _chosen(run: Run, followed: dict[str, dict[str, Any]], items: list[dict[str, Any]]) -> Document | None:
    """The document to show. Best: training followed it, cleaning changed it, and a question about it was answered
    right; then with ever less of these; else the first clean document."""
    asked = [str(item["document_id"]) for item in _best_first(items) if isinstance(item.get("document_id"), str)]
    both = [name for name in asked if name in followed]
    held_out = [name for name in asked if split_of(name) == "test"]
    wanted = _changed_by_cleaning(run, both) + both + _changed_by_cleaning(run, held_out[:LOOKED_AT])
    for name in dict.fromkeys([*wanted, *held_out[:5], *list(followed)[:1]]):
        found = run.document("2_clean/documents", name)
        if found is not None:
            return found
    return next(iter(run.first_documents("2_clean/documents", 1)), None)


def _changed_by_cleaning(run: Run, names: list[str]) -> list[str]:
    """Those of the documents whose text cleaning changed, in the order given."""
    if not names:
        return []
    wanted = [("id", "in", names)]
    raw = {one.id: one.text for one in run.documents("1_collect/documents", wanted)}
    clean = {one.id: one.text for one in run.documents("2_clean/documents", wanted)}
    return [name for name in names if name in raw and name in clean and raw[name] != clean[name]]


def _best_first(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Questions with one answer first, and of these the ones that were answered right."""
    return sorted(items, key=lambda item: ("answers" not in item["task"], -(_mark(item) or 0.0)))


def word_difference(before: str, after: str) -> Html:
    """`after` with what was taken out struck through and what was put in underlined, word by word."""
    old, new = (re.findall(r"\s+|\w+|[^\w\s]", text) for text in (before, after))
    parts: list[Html] = []
    for kind, a0, a1, b0, b1 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        gone, come = "".join(old[a0:a1]), "".join(new[b0:b1])
        if kind == "equal":
            parts.append(join([come]))
            continue
        if gone:
            parts.append(tag("del", _visible(gone)))
        if come:
            parts.append(tag("ins", _visible(come)))
    return join(parts)


def _visible(text: str) -> str:
    """White space that was changed, made visible."""
    return text if text.strip() else text.replace("\n", "\u21b5").replace(" ", "\u00b7") or text


def _step(title: str, words: str, *body: Any) -> Html:
    return join([tag("h3", title), tag("p", words) if words else None, *body])


def _text(content: Any) -> Html:
    return tag("div", content, class_="document")


def _raw(raw: Document) -> Html:
    return _step("Raw", "As it was collected.", _text(shorten(raw.text, MAX_CHARACTERS)))


def _clean(raw: Document, clean: Document) -> Html:
    if raw.text == clean.text:
        return _step("Clean", "Cleaning found nothing to change.")
    before, after = raw.text[: 2 * MAX_CHARACTERS], clean.text[: 2 * MAX_CHARACTERS]
    words = "What cleaning changed: struck through is gone, underlined is new."
    return _step("Clean", words, _text(word_difference(before, after)))


def _tokens(run: Run, clean: Document, record: dict[str, Any]) -> Html | None:
    own = record.get("ids") if record.get("document_id") == clean.id else None
    ids = own or (run.tokenizer.encode(clean.text, add_special_tokens=False).ids if run.tokenizer else [])
    texts = _pieces(run, ids)
    if not texts:
        return None
    chips = [
        tag("span", tag("b", _token(text)), tag("small", id_), class_=f"chip t{index % 4}")
        for index, (text, id_) in enumerate(list(zip(texts, ids, strict=True))[:MAX_TOKENS])
    ]
    more = f" The first {MAX_TOKENS} of {len(ids)} are shown." if len(ids) > MAX_TOKENS else ""
    words = f"The model reads numbers: {len(ids)} tokens, each with its id.{more}"
    return _step("Tokens", words, tag("div", chips, class_="chips"))


def _pieces(run: Run, ids: list[int]) -> list[str]:
    return [run.tokenizer.decode([id_], skip_special_tokens=False) for id_ in ids] if run.tokenizer else []


def _followed(run: Run) -> dict[str, dict[str, Any]]:
    """The records of journey.json by document; `ids`: the tokens without the border token, ids[i] was met with
    losses_first[i] and losses_last[i]."""
    told = run.json("4_pretrain/journey.json")
    rows = told.get("documents") if isinstance(told, dict) else None
    return {
        str(row.get("document_id")): {**row, "ids": [id_ for id_ in row["tokens"][1:] if isinstance(id_, int)]}
        for row in rows or []
        if isinstance(row, dict) and isinstance(row.get("tokens"), list)
    }


def _token(text: str) -> str:
    return text.replace("\n", "\u21b5").replace(" ", "\u00b7") or "\u2205"


def _losses(run: Run, record: dict[str, Any], document: Document) -> Html | None:
    tokens = _pieces(run, record.get("ids") or [])
    first, last = (record.get(name) or [] for name in ("losses_first", "losses_last"))
    if not tokens or not last:
        return None
    blocks = []
    for title, losses in (("At the first step", first), ("At the last step", last)):
        numbers = [loss for loss in losses if isinstance(loss, int | float)]
        if not numbers:
            continue
        mean = sum(numbers) / len(numbers)
        heat = [_hot(text, loss) for text, loss in list(zip(tokens, losses, strict=False))[:MAX_TOKENS]]
        blocks.append(
            tag("div", tag("h4", title, tag("small", f" mean loss {mean:.2f}")), tag("div", heat, class_="document"))
        )
    words = "How surprised the model is by each token (its loss): the stronger the colour, the greater the surprise."
    if record.get("document_id") != document.id:
        words = f"Training watched another held-out document; this is that one. {words}"
    return _step("Surprise", words, tag("div", blocks, class_="pair"))


def _hot(text: str, loss: Any) -> Html | str:
    shown = text.replace("\n", "\u21b5\n")
    if not isinstance(loss, int | float):
        return shown
    level = round(min(1.0, max(0.0, loss / HEAT_TOP)) * 8)
    return tag("span", shown, class_=f"h{level}", title=f"loss {loss:.2f}")


def _items(run: Run) -> list[dict[str, Any]]:
    """Items of generated answers, tasks in name order; likelihood items without a readable prompt are left out."""
    folder = run.folder / "6_evaluate" / "items"
    found = []
    for path in sorted(folder.glob("*.jsonl*")) if folder.is_dir() else []:
        for row in run.rows(path.relative_to(run.folder).as_posix(), limit=5000):
            prompt = row.get("question") or row.get("prompt")
            if prompt and isinstance(prompt, str) and isinstance(row.get("answer"), str):
                found.append({**row, "prompt": prompt, "task": path.name.split(".")[0]})
    return found


def _question(items: list[dict[str, Any]], document: Document) -> list[Html]:
    own = [item for item in items if item.get("document_id") == document.id or document.text[:120] in item["prompt"]]
    own = _best_first(own)
    if own:
        return [_step("Question", "Asked after training.", _exchange(own[0], document.text))]
    # Evaluation asks a sample of the held-out documents; one that it did ask stands in.
    answers = [item for item in items if "answers" in item["task"]] or items
    item = next((item for item in answers if _mark(item) == 1.0), next(iter(answers), None))
    if item is None:
        return []
    words = "This document was not among those asked about; here is a question about another one."
    return [_step("Question", words, _exchange(item, ""))]


def _mark(item: dict[str, Any]) -> float | None:
    """How right the answer was, as its task's first mark says."""
    marks = item.get("marks")
    value = next(iter(marks.values()), None) if isinstance(marks, dict) else item.get("score")
    return float(value) if isinstance(value, int | float) else None


def _exchange(item: dict[str, Any], text: str) -> Html:
    # The last turn of the person; the markers of the chat template are for the model.
    asked = tidy(str(item["prompt"]).rpartition("<|user|>")[2]).strip().removesuffix("assistant:").strip()
    if text and text in asked:  # the document stands above; only what is asked about it is shown
        before, _, after = asked.partition(text)
        asked = (after or before).strip() or asked
    gold = item.get("gold")
    mark = _mark(item)
    verdict = None
    if mark is not None and gold:
        verdict = tag("p", f"The right answer: {gold}. Marked {mark:.2f}.", class_="verdict")
    return tag(
        "div",
        tag("p", tag("span", "Question", class_="who"), shorten(asked, 900), class_="asked"),
        tag("p", tag("span", "Model", class_="who"), str(item["answer"]).strip() or "(nothing)", class_="answered"),
        verdict,
        class_="exchange",
    )


def _source(document: Document) -> Html:
    facts = [
        ("Source", document.source),
        ("Path", document.path),
        ("Licence", document.licence or "not stated"),
        ("Language", document.language),
        ("Date", document.date),
        ("Document id", document.id),
        ("Content hash", document.content_hash),
    ]
    rows = [join([tag("dt", name), tag("dd", value)]) for name, value in facts if value]
    return _step("Back to the source", "Where the document came from.", tag("dl", rows, class_="facts"))
