"""The page of one explanation: self-contained, no script, no request; colours follow the reader's setting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from groundup.audit.explain import Explanation, WordsBlame
from groundup.audit.faithfulness import RANDOM_ORDERS
from groundup.core.files import write_bytes
from groundup.report.markup import Html, shorten, table, tag

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
TITLES = {
    "integrated_gradients": "Integrated gradients",
    "occlusion": "Occlusion",
    "gradient_x_input": "Gradient x input",
    "attention_rollout": "Attention rollout (a baseline: where it looked, not why)",
}
DOCUMENTS = 3  # shown a span; taste
# Blue for, orange against: told apart by readers who see no red and green, and by the sign in the title.
STYLE = """
:root { color-scheme: light dark; --text: #1b1b1b; --ground: #fff; --soft: #666; --line: #ddd;
  --for: 37 99 235; --against: 217 119 6 }
@media (prefers-color-scheme: dark) { :root { --text: #eee; --ground: #151515; --soft: #aaa; --line: #333;
  --for: 96 165 250; --against: 251 146 60 } }
body { font: 16px/1.55 system-ui, sans-serif; color: var(--text); background: var(--ground); max-width: 52rem; margin: 2rem auto;
  padding: 0 1rem }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2.2rem; border-top: 1px solid var(--line); padding-top: 1rem }
h3 { font-size: 1rem; margin: 1.2rem 0 .3rem } p.soft, small, figcaption { color: var(--soft) }
.words { line-height: 2.1; white-space: pre-wrap } .words span { padding: .15em 0; border-radius: .2em }
.frame { color: var(--soft); font-size: .75em }
table { border-collapse: collapse; width: 100%; font-size: .92rem } th, td { text-align: left; padding: .3rem .6rem .3rem 0;
  border-bottom: 1px solid var(--line) } .number { text-align: right; font-variant-numeric: tabular-nums }
.scroll { overflow-x: auto } .decided td { font-weight: 600 }
.map { width: 100%; border: 1px solid var(--line) }
.map text { font-size: 1.9px; fill: var(--soft) }
.map circle { fill: var(--soft) }
.map text.asked { font-weight: 700; fill: var(--text) } .map circle.asked { fill: rgb(var(--for)) }
code { background: rgb(128 128 128 / .15); padding: 0 .2em }
"""


def write_page(explanation: Explanation, path: Path) -> Path:
    """Write the page; returns its path."""
    path = Path(path)
    write_bytes(path, render(explanation).encode("utf-8", "replace"))
    return path


def render(explanation: Explanation) -> str:
    """The whole page as text."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", f"Why: {shorten(explanation.target.strip(), 60)}"),
        tag("style", Html(STYLE)),
    )
    parts = [_opening(explanation), _words(explanation), _trust(explanation), _layers(explanation), _map(explanation)]
    body = tag("body", tag("main", *parts, _sources(explanation)))
    return "<!doctype html>\n" + tag("html", head, body, lang="en")


def _opening(explanation: Explanation) -> Html:
    against = f' and not "{explanation.contrast.strip()}"' if explanation.contrast else ""
    measured = "share against the other" if explanation.contrast else "probability"
    best = explanation.top_words(3)
    strongest = ", ".join(f'"{word}"' for word, score in best if score > 0) or "none"
    layer = "no layer settles it" if explanation.decided_at is None else f"layer {explanation.decided_at}"
    return tag(
        "header",
        tag("h1", f'Why "{explanation.target.strip()}"{against}?'),
        tag("p", f"{measured} {explanation.probability:.3g}; strongest words: {strongest}; decided: {layer}; "
            f"spans found in documents: {len(explanation.sources)}."),
        [tag("p", tag("b", note)) for note in explanation.notes],
    )  # fmt: skip


def _words(explanation: Explanation) -> Html:
    views = []
    for blame in explanation.blames:
        residual = ""
        if blame.residual is not None:
            residual = f"Its parts add up to the whole change but for {blame.residual:.2%}."
        best = " (the most faithful here)" if blame.method == explanation.best_method else ""
        views += [
            tag("h3", TITLES.get(blame.method, blame.method) + best),
            tag("p", _heat(explanation, blame), class_="words"),
            tag("p", residual, class_="soft") if residual else None,
        ]
    return tag(
        "section",
        tag("h2", "Which words"),
        tag(
            "p",
            "Blue words speak for the answer, orange words against it; point at a word for its number.",
            class_="soft",
        ),
        *views,
    )


def _heat(explanation: Explanation, blame: WordsBlame) -> Html:
    strongest = max((abs(score) for score in blame.scores), default=0.0) or 1.0
    spans = []
    for word, score in zip(explanation.words, blame.scores, strict=True):
        if word.frame:
            spans.append(tag("span", f" {word.text.strip('<|>')} ", class_="frame"))
            continue
        side = "for" if score >= 0 else "against"
        style = f"background: rgb(var(--{side}) / {0.75 * abs(score) / strongest:.2f})"
        spans.append(tag("span", word.text, style=style, title=f"{score:+.3f}"))
    return tag("span", *spans)


def _trust(explanation: Explanation) -> Html:
    rows = [
        [
            TITLES.get(one.method, one.method),
            one.operator,
            f"{one.comprehensiveness:.3f}",
            f"{one.random_comprehensiveness:.3f} +- {one.comprehensiveness_spread:.3f}",
            f"{one.sufficiency:.3f}",
            f"{one.random_sufficiency:.3f} +- {one.sufficiency_spread:.3f}",
            one.trust,
        ]
        for one in explanation.faithfulness
    ]
    return tag(
        "section",
        tag("h2", "How far to trust the words"),
        tag(
            "p",
            "The answer's probability when the top 1, 5, 10, 20 and 50 % of the words' tokens are taken away (lost: high is "
            "good) and when only they are kept (lacking: low is good), on average, beside "
            f"{RANDOM_ORDERS} random orders of the same tokens.",
            class_="soft",
        ),
        table(["method", "taken away by", "lost", "lost at random", "lacking", "lacking at random", ""], rows,
              numbers=(2, 3, 4, 5)),
    )  # fmt: skip


def _layers(explanation: Explanation) -> Html | None:
    if not explanation.layers:
        return None  # a family that the lens does not look into
    rows = []
    for layer in explanation.layers:
        name = "embedding" if layer["layer"] == 0 else str(layer["layer"])
        decided = " (decided)" if layer["layer"] == explanation.decided_at else ""
        top = [tag("span", tag("code", text), f" {probability:.2f}  ") for text, probability in layer["top"]]
        rows.append(
            [
                name + decided,
                top,
                f"{layer['target_probability']:.3f}",
                f"{layer['target_rank']:,}",
                f"{layer['kl']:.2f}",
            ]
        )
    return tag(
        "section",
        tag("h2", "Which layer"),
        tag(
            "p",
            f'What each layer would say next, read through the output matrix ({explanation.lens}), and where it has "'
            f'{explanation.first_target_token.strip()}". An early layer may know more than this lens can read: '
            "the last column tells how far its words are from the last layer's.",
            class_="soft",
        ),
        table(["layer", "first choices", "probability", "rank", "distance (nats)"], rows, numbers=(2, 3, 4)),
    )


def _map(explanation: Explanation) -> Html | None:
    """Tokens of the prompt among their neighbours, drawn, and the neighbours as a table for who cannot see the drawing."""
    if explanation.map is None:
        return None
    drawn = []
    for point in explanation.map.points:
        x, y = 4 + 80 * point.x, 5 + 50 * (1 - point.y)
        kind = "asked" if point.asked else "near"
        drawn += [
            tag("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=0.8, class_=kind),
            tag("text", point.text.strip() or "?", x=f"{x + 1.2:.1f}", y=f"{y + 0.7:.1f}", class_=kind),
        ]
    rows = [
        [tag("code", point.text), [tag("span", tag("code", text), f" {cosine:.2f}  ") for text, cosine in point.near]]
        for point in explanation.map.points
        if point.asked
    ]
    return tag(
        "section",
        tag("h2", "What lies near"),
        tag("p", "Tokens of the prompt (bold) among those whose embeddings point the same way. The drawing shows "
            f"{explanation.map.shown:.0%} of their spread, by two principal components: what lies together on it may be far "
            "apart. The table holds the true nearness (cosine).", class_="soft"),
        tag("svg", *drawn, viewBox="0 0 100 60", class_="map", role="img", aria_label="Map of embeddings"),
        table(["token", "nearest"], rows),
    )  # fmt: skip


def _sources(explanation: Explanation) -> Html:
    if not explanation.sources:
        text = (
            "No span was handed in: no index of the training text, or nothing of the answer stands in it word for word."
        )
        return tag("section", tag("h2", "Which documents"), tag("p", text))
    rows = []
    for span in explanation.sources:
        places = [_document(one) for one in _of(span, "documents", [])[:DOCUMENTS]]
        rows.append(
            [tag("code", shorten(str(_of(span, "text", "")).strip(), 160)), f"{int(_of(span, 'count', 0)):,}", places]
        )
    return tag(
        "section",
        tag("h2", "Which documents"),
        tag("p", "Spans that stand word for word in the training text. That they stand there is certain; that the model "
            "speaks because of them is not.", class_="soft"),
        table(["span", "times", "first documents"], rows, numbers=(1,)),
    )  # fmt: skip


def _document(document: Any) -> Html:
    licence = _of(document, "licence", "")
    return tag(
        "div",
        f"{_of(document, 'source', '')}: {_of(document, 'path', '')}",
        tag("small", f" {licence}") if licence else None,
    )


def _of(thing: Any, name: str, default: Any) -> Any:
    """A field of an object or of a JSON table: spans come from the trace index or from a server's answer."""
    return thing.get(name, default) if isinstance(thing, dict) else getattr(thing, name, default)
