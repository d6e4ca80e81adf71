"""The health desk: `ask` reads a note and answers with the note without names, its summary and its risk flags.

health = Health()
health.ask("Doctor: Any chest pain? Patient: Yes, since this morning.")
do(health, "treatment", {"question": "How is asthma treated?"})

Everything works on the de-identified text: what is shown, kept or sent to a bigger model has been through `deidentify`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from groundup.apps.base import APPS, Action, Answer, Field, State
from groundup.apps.health import literature, risks, summary, treatment
from groundup.apps.health.audit import Log
from groundup.apps.health.deidentify import deidentify
from groundup.apps.health.options import HealthOptions
from groundup.apps.search.app import Search
from groundup.apps.search.generator import Generate, from_url
from groundup.apps.writing.shorten import phrased
from groundup.core.document import Document
from groundup.core.errors import DataError
from groundup.core.score import Score

NOTICE = "This is no medical device and no diagnosis. It can miss what matters; a clinician must read the note itself."
EMERGENCY = "This may be an emergency: call your emergency number now. "
QUESTION = re.compile(r"^\s*(?:how|what|which|can|is|are|does|should|treat\w*)\b.*\?\s*$", re.I | re.S)
URGENT = frozenset(("heart", "breathing", "stroke", "suicide", "allergy", "overdose"))
SURE = 0.8  # the least probability at which the emergency line is shown; taste: flags under it are for the reader
NOTE = Field("note", "Note or dialogue", "text")


@APPS.register("health")
class Health:
    """The application. `folder` keeps audit.jsonl and added passages' index; notes are never stored."""

    name = "health"
    limits = (
        "No medical device and no diagnosis. A clinician reads the note itself.",
        "Rules miss names, addresses and post codes that stand alone: read a note once more before it leaves your hands.",
        "Risk flags know a list of phrases in English; no flag does not mean no risk.",
        "Treatment is quoted from the passages it was given, which may be old or not meant for you. It never gives a dose.",
        "Links between drugs, diseases and genes are hints for reading: names that stand together, not findings.",
    )
    purpose = "Notes without names, summaries, risk flags with evidence, quotations on treatment. No medical device."

    def __init__(
        self, folder: Path | None = None, *, options: HealthOptions | None = None, generate: Generate | None = None
    ) -> None:
        """folder: None keeps everything in memory. generate: a bigger model for phrasing; it sees de-identified text only."""
        self.options = options or HealthOptions()
        self.log = Log(folder / "audit.jsonl" if folder else None)
        self.search = Search(folder / "passages.sqlite" if folder else None)
        place = self.options.passages or treatment.SAMPLE
        self.search.add_documents(treatment.passages_of(place))
        self.generate = generate
        if generate is None and self.options.generator_url:
            o = self.options
            self.generate = from_url(o.generator_url, o.generator_model, key=o.generator_key)
        self._network: tuple[int, literature.Network] | None = None

    def close(self) -> None:
        """Close the index."""
        self.search.close()

    def examples(self) -> list[str]:
        """Three inputs that work on the shipped passages."""
        return [
            "Doctor: Hello Maria, what brings you in?\nPatient: I have had chest pain since March 3.\n"
            "Doctor: Any shortness of breath?\nPatient: No.\nDoctor: Do you smoke?\nPatient: Yes, ten a day.",
            "How is asthma treated?",
            "What helps against migraine?",
        ]

    def ask(self, text: str, state: State | None = None) -> Answer:
        """A question is answered by quotations; anything else is read as a note."""
        if not isinstance(text, str):
            raise DataError("A note must be text.")
        text = text[:50_000]
        if not text.strip():
            return Answer(f"Paste a note, or ask how something is treated. {NOTICE}", found=False)
        if QUESTION.match(text) and len(text) < 400 and "\n" not in text.strip():
            return self._treatment({"question": text})
        return self._note({"note": text, "section": ""})

    def actions(self) -> tuple[Action, ...]:
        """De-identify, summarize, flag, quote, explore."""
        note = {"note": self.examples()[0]}
        sections = ("", *summary.SECTIONS)
        return (
            Action("note", "Read a note", (NOTE, Field("section", "Section", "choice", sections)), self._note, note),
            Action("deidentify", "Take names out", (NOTE,), self._deidentify, note),
            Action("flags", "Risk flags", (NOTE,), self._flags, note),
            Action(
                "treatment",
                "Treatment, quoted",
                (Field("question", "Disease or question"),),
                self._treatment,
                {"question": "How is high blood pressure treated?"},
            ),
            Action(
                "links",
                "Explore literature",
                (
                    Field("name", "Drug, disease or gene"),
                    Field("kind", "Look for", "choice", ("", "drug", "disease", "gene")),
                ),
                self._links,
                {"name": "asthma", "kind": ""},
            ),
        )

    # What the actions do

    def _note(self, values: Mapping[str, str]) -> Answer:
        clean, hidden = deidentify(values["note"])
        found = risks.flags(clean, self.options.flag_threshold)
        own = summary.summarize(clean, values["section"])
        note = phrased(clean, "Write the note of this visit in a few sentences.", self.generate, own)
        self.log.add("note", characters=len(clean), hidden=len(hidden), flags=len(found))
        urgent = EMERGENCY if any(one.risk in URGENT and one.probability >= SURE for one in found) else ""
        said = f"{urgent}{note or 'Nothing to summarize.'}\n\n{NOTICE}"
        rows = [{"what": "hidden", "value": f"{len(hidden)} names, dates, places or numbers"}, *_rows(found)]
        return Answer(said, rows=tuple(rows), found=bool(own))

    def _deidentify(self, values: Mapping[str, str]) -> Answer:
        clean, hidden = deidentify(values["note"])
        self.log.add("deidentify", characters=len(clean), hidden=len(hidden))
        counts: dict[str, int] = {}
        for one in hidden:
            counts[one.kind] = counts.get(one.kind, 0) + 1
        return Answer(
            f"{clean}\n\nRead it once more: rules miss some. {NOTICE}",
            rows=tuple({"kind": kind, "hidden": n} for kind, n in sorted(counts.items())),
        )

    def _flags(self, values: Mapping[str, str]) -> Answer:
        clean, _ = deidentify(values["note"])
        found = risks.flags(clean, self.options.flag_threshold)
        self.log.add("flags", characters=len(clean), flags=len(found))
        said = f"{len(found)} to look at first." if found else "No flag; that does not mean no risk."
        return Answer(f"{said} {NOTICE}", rows=tuple(_rows(found)), found=bool(found))

    def _treatment(self, values: Mapping[str, str]) -> Answer:
        clean, _ = deidentify(values["question"]) if len(values["question"]) > 200 else (values["question"], [])
        urgent = [
            one
            for one in risks.flags(clean, SURE)
            if one.risk in URGENT and re.search(r"\b(?:i|my|me|he|she)\b", clean, re.I)
        ]
        self.log.add("treatment", characters=len(clean), flags=len(urgent))
        made = treatment.options(clean, self.search, self.options.answer_threshold)
        text = f"{EMERGENCY if urgent else ''}{made.text}\n\n{NOTICE}"
        return Answer(text, made.citations, confidence=made.confidence, found=made.found)

    def _links(self, values: Mapping[str, str]) -> Answer:
        generation = self.search.index.generation()
        if self._network is None or self._network[0] != generation:
            self._network = (generation, literature.Network().add(self._documents()))
        network = self._network[1]
        name = " ".join(values["name"].lower().split())
        self.log.add("links", characters=len(name))
        if name not in network.kinds:
            return Answer(f"The texts do not name '{name[:60]}'.", found=False)
        direct = network.together[name].most_common(8)
        rows: list[dict[str, Any]] = []
        for other, count in direct:
            path, sentence = network.where.get((min(name, other), max(name, other)), ("", ""))
            rows.append(
                {"with": other, "kind": network.kinds[other], "together": count, "where": path, "sentence": sentence}
            )
        links = network.hypotheses(name, values["kind"], most=8)
        rows += [
            {"may go with": one.second, "kind": network.kinds[one.second], "through": ", ".join(one.through)}
            for one in links
        ]
        return Answer(
            f"{name} stands with {len(network.together[name])} others. Possible links are hints for reading, not findings.",
            rows=tuple(rows),
        )

    def _documents(self) -> list[Document]:
        return [
            Document(text=text, source="passages", path=path, meta={"title": title})
            for path, title, text in self.search.index.texts()
        ]

    # Its data

    def export_data(self) -> dict[str, Any]:
        """The audit log and the passages quoted from."""
        return {
            "audit": self.log.lines,
            "passages": [{"path": p, "title": t, "text": x} for p, t, x in self.search.index.texts()],
        }

    def import_data(self, values: Mapping[str, Any]) -> int:
        """Add passages to quote from: ``{"passages": [{"path", "title", "text"}]}``."""
        given = values.get("passages")
        if not isinstance(given, list) or not all(
            isinstance(one, dict) and isinstance(one.get("text"), str) for one in given
        ):
            raise DataError('The health desk takes in {"passages": [{"path": ..., "title": ..., "text": ...}]}.')
        self.search.add_documents(
            Document(
                text=one["text"],
                source="imported",
                path=str(one.get("path", number)),
                meta={"title": str(one.get("title", ""))},
            )
            for number, one in enumerate(given)
        )
        self.log.add("import", passages=len(given))
        return len(given)

    def evaluate(self, data: Path | None) -> list[Score]:
        """Leaks, flags, refusals; with a data folder summaries, quotations and links too."""
        from groundup.apps.health.evaluate import run

        return run(data)


def _rows(found: list[risks.Flag]) -> list[dict[str, Any]]:
    return [
        {
            "risk": one.risk,
            "probability": round(one.probability, 2),
            "evidence": one.evidence,
            **{k: v for k, v in asdict(one).items() if k in ("start", "end", "found")},
        }
        for one in found
    ]
