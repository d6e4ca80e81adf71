"""The writing desk: drafts from an outline, corrections to accept one by one, shorter and other words, originality.

writing = Writing()
writing.ask("She dont likes apples.")                              corrections
do(writing, "draft", {"kind": "e-mail", "topic": "the move", "points": "new office; boxes by Friday", "tone": "friendly"})
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from groundup.apps.base import APPS, Action, Answer, Field, State
from groundup.apps.search.app import SAMPLES
from groundup.apps.search.generator import Generate, from_url
from groundup.apps.writing import corrector, drafts, originality, proposed, quality, shorten
from groundup.apps.writing.options import WritingOptions
from groundup.apps.writing.phrases import KINDS, TONES
from groundup.core.errors import DataError
from groundup.core.files import write_json
from groundup.core.score import Score
from groundup.language.identify import identify
from groundup.language.words import words

NOTHING_WRONG = "I have nothing to correct in this text."
NOT_ENGLISH = "This does not look like English; corrections here are made for English only."
WANT = re.compile(r"^\s*(correct|summari[sz]e|shorten|draft|rewrite)\b[^:\n]{0,60}:\s*", re.I)
LONG = Field("text", "Text", "text")


@APPS.register("writing")
class Writing:
    """The application. `folder` keeps the user's own words; texts themselves are never stored."""

    name = "writing"
    limits = (
        "English only. It leaves more mistakes standing than it finds, so that it seldom spoils a right sentence.",
        "Names and terms it does not know may be taken for slips; add them to your own words.",
        "Drafts are joined from your points and stock phrases; beyond some 150 words they need a bigger model.",
        "A summary is made of the text's own sentences. On short scientific texts it is no better than the first one.",
        "The originality check finds word-for-word runs in what it is given; it knows nothing of ideas or other sources.",
    )
    purpose = (
        "Draft from an outline, correct grammar and spelling, shorten, summarize; every change is yours to accept."
    )

    def __init__(
        self, folder: Path | None = None, *, options: WritingOptions | None = None, generate: Generate | None = None
    ) -> None:
        """folder: where own_words.json is kept; None: in memory. generate: a bigger model, or the options name its URL."""
        self.options = options or WritingOptions()
        self.corrector = (
            corrector.Corrector.load(self.options.corrector) if self.options.corrector else corrector.shipped()
        )
        self.generate = generate
        if generate is None and self.options.generator_url:
            o = self.options
            self.generate = from_url(o.generator_url, o.generator_model, key=o.generator_key)
        self._file = folder / "own_words.json" if folder else None
        self.own_words = {word.lower() for word in self.options.own_words}
        if self._file is not None and self._file.is_file():
            self.own_words |= _own_words(self._file)
        self._library: originality.Library | None = None

    def close(self) -> None:
        """Nothing is held open."""

    def examples(self) -> list[str]:
        """Three texts with something to do."""
        return [
            "She dont likes to recieve letters from there office.",
            "Summarize: The lamp arrived on Monday. It was broken in two places. The shop replied within a day. "
            "It sent a new lamp free of charge. The new lamp works well.",
            "Draft a friendly e-mail: the move; new office from May; please pack your boxes by Friday",
        ]

    def ask(self, text: str, state: State | None = None) -> Answer:
        """A text is corrected; "Summarize:", "Shorten:", "Draft a friendly e-mail:" say something else is wanted."""
        if not isinstance(text, str):
            raise DataError("A text must be text.")
        found = WANT.match(text)
        wish = found.group(1).lower() if found else "correct"
        body = text[found.end() :] if found else text
        if wish.startswith("summar"):
            return self._summarize({"text": body, "sentences": str(self.options.sentences)})
        if wish == "shorten":
            return self._shorten({"text": body, "words": str(max(5, len(words(body)) // 2))})
        head = found.group().lower() if found else ""
        tone = next((one for one in TONES if one in head), "plain")
        if wish == "rewrite":
            return self._rewrite({"text": body, "tone": tone})
        if wish == "draft":
            kind = next((one for one in KINDS if one in head), "e-mail")
            topic, _, points = body.partition(";")
            return self._draft(
                {
                    "kind": kind,
                    "topic": topic,
                    "points": points.replace(";", "\n"),
                    "tone": tone,
                    "words": "0",
                    "to": "",
                    "from": "",
                }
            )
        return self._correct({"text": body})

    def actions(self) -> tuple[Action, ...]:
        """Draft, correct, shorten, summarize, rewrite, originality."""
        example = self.examples()
        points = "we move on 1 May\nnew kitchen\nplease pack your boxes by Friday"
        tone = Field("tone", "Tone", "choice", TONES, "plain")
        return (
            Action("correct", "Correct", (LONG,), self._correct, {"text": example[0]}),
            Action(
                "draft",
                "Draft",
                (
                    Field("kind", "Kind", "choice", KINDS, "e-mail"),
                    Field("topic", "About"),
                    Field("points", "Points, one a line", "text"),
                    tone,
                    Field("words", "Words (0: as it comes)", "number", default="100"),
                    Field("to", "To"),
                    Field("from", "From"),
                ),
                self._draft,
                {
                    "kind": "e-mail",
                    "topic": "the move",
                    "points": points,
                    "tone": "friendly",
                    "words": "80",
                    "to": "team",
                    "from": "Mira",
                },
            ),
            Action(
                "shorten",
                "Shorten",
                (LONG, Field("words", "Words", "number", default="50")),
                self._shorten,
                {"text": example[1][11:], "words": "15"},
            ),
            Action(
                "summarize",
                "Summarize",
                (LONG, Field("sentences", "Sentences", "number", default="3")),
                self._summarize,
                {"text": example[1][11:], "sentences": "2"},
            ),
            Action(
                "rewrite",
                "Change the tone",
                (LONG, tone),
                self._rewrite,
                {"text": "Hi Tom, I can't come. Thanks a lot!", "tone": "formal"},
            ),
            Action(
                "originality",
                "Check originality",
                (LONG,),
                self._originality,
                {"text": "Our shop says that you can return an item within 30 days of delivery, which is fair."},
            ),
        )

    # What the actions do

    def _correct(self, values: Mapping[str, str]) -> Answer:
        text = values["text"]
        language, sure = identify(text) if len(text) > 40 else ("en", 1.0)
        if language != "en" and sure > 0.9:
            return Answer(NOT_ENGLISH, found=False)
        edits = [one for one in self.corrector.suggest(text) if one.before.lower() not in self.own_words]
        if self.generate is not None:
            made = shorten.phrased(text, "Correct the grammar and the spelling, and nothing else.", self.generate, "")
            edits = sorted([*edits, *proposed.differences(text, made, edits)], key=lambda one: (one.start, one.end))
        if not edits:
            return Answer(NOTHING_WRONG, found=False)
        return Answer(corrector.apply(text, edits), edits=tuple(asdict(one) for one in edits))

    def _draft(self, values: Mapping[str, str]) -> Answer:
        points = drafts.read_points(values["points"])
        topic = " ".join(values["topic"].split())[:200]
        if not points and not topic:
            return Answer("Give a topic, or a few points: one a line.", found=False)
        length = min(2000, max(0, int(values["words"] or 0)))
        order = drafts.Order(
            values["kind"], topic, points, values["tone"], length, values["to"][:100], values["from"][:100]
        )
        text = drafts.draft(order, self.generate)
        rows = quality.judged(text, length=length, points=points, tone=order.tone if order.kind != "poem" else "")
        return Answer(text, rows=tuple(rows), confidence=quality.score(rows))

    def _shorten(self, values: Mapping[str, str]) -> Answer:
        length = max(1, int(values["words"]))
        return self._changed(
            values["text"], lambda text: shorten.shorten(text, length), f"Shorten the text to {length} words."
        )

    def _summarize(self, values: Mapping[str, str]) -> Answer:
        number = max(1, int(values["sentences"]))
        return self._changed(
            values["text"], lambda text: shorten.summarize(text, number), f"Summarize the text in {number} sentences."
        )

    def _rewrite(self, values: Mapping[str, str]) -> Answer:
        tone = values["tone"]
        return self._changed(
            values["text"], lambda text: shorten.rewrite(text, tone), f"Rewrite the text in a {tone} tone."
        )

    def _changed(self, text: str, change: Callable[[str], str], wish: str) -> Answer:
        if not words(text):
            return Answer("Give a text to work on.", found=False)
        made = shorten.phrased(text, wish, self.generate, change(text))
        before, after = len(words(text)), len(words(made))
        return Answer(made, rows=({"what": "words", "value": after, "wanted": f"of {before}", "ok": after <= before},))

    def _originality(self, values: Mapping[str, str]) -> Answer:
        text, place = values["text"], self.options.compare_with or SAMPLES
        if (place / "3_tokenizer" / "trace").is_dir():
            copied = originality.copied_from_run(text, place)
        else:
            if self._library is None:
                self._library = originality.Library.of(place)
            copied = self._library.copied(text)
        part = originality.share(text, copied)
        said = f"{part:.0%} of the words stand word for word in {place.name}, in runs of {originality.MIN_WORDS} words and more."
        rows = tuple({"text": one.text, "stands in": one.path, "start": one.start, "end": one.end} for one in copied)
        return Answer(said, rows=rows, found=bool(copied))

    # Its data

    def export_data(self) -> dict[str, Any]:
        """The words that are no mistakes."""
        return {"own_words": sorted(self.own_words)}

    def import_data(self, values: Mapping[str, Any]) -> int:
        """Add words that are no mistakes."""
        given = values.get("own_words")
        if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
            raise DataError('The writing desk takes in {"own_words": [...]}.')
        self.own_words |= {one.strip().lower() for one in given if one.strip()}
        if self._file is not None:
            write_json(self._file, self.export_data())
        return len(given)

    def evaluate(self, data: Path | None) -> list[Score]:
        """Corrections, tone, drafts; with a data folder summaries too."""
        from groundup.apps.writing.evaluate import run

        return run(self.corrector, data)


def _own_words(path: Path) -> set[str]:
    try:
        return {str(one).lower() for one in json.loads(path.read_text(encoding="utf-8"))["own_words"]}
    except (OSError, ValueError, KeyError, TypeError):
        raise DataError(f"{path} is not a list of own words.", repair="Move it away; it is made again.") from None
