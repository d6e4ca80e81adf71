"""How well the health desk does. ``run()`` needs nothing; a data folder adds MTS-Dialog, Presidio and MedQuAD."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from groundup.apps.health import literature, risks, summary, treatment
from groundup.apps.health.cases import RISK_CASES, notes, training
from groundup.apps.health.deidentify import deidentify
from groundup.apps.search.app import Search
from groundup.core.errors import DataError
from groundup.core.randomness import numpy_random
from groundup.core.score import Score
from groundup.language import personal
from groundup.metrics.calibration import calibration_error
from groundup.metrics.intervals import bootstrap, wilson
from groundup.metrics.summary_overlap import rouge

SPECIFICITY = 0.95  # where sensitivity is told
MOST_DIALOGUES = 300


def run(data: Path | None = None) -> list[Score]:
    """`groundup app health --evaluate`."""
    scores = leaks() + flags() + refusals()
    if data is not None:
        scores += dialogues(data) + presidio(data) + medquad(data)
    return scores


def leaks() -> list[Score]:
    """Synthetic notes with names that stand in no list of ours: recall, documents with a leak, the gap between origins."""
    rows = [
        (origin, [value not in clean for value in hidden])
        for note, hidden, origin in notes()
        for clean in [deidentify(note)[0]]
    ]
    plain = [
        all(value not in personal.mask(note, personal.find(note)) for value in hidden) for note, hidden, _ in notes()
    ]
    values = [one for _, row in rows for one in row]
    leaking = sum(not all(row) for _, row in rows)
    by_origin = {name: [one for origin, row in rows if origin == name for one in row] for name, _ in rows}
    recalls = {name: sum(some) / len(some) for name, some in by_origin.items()}
    gap = max(recalls.values()) - min(recalls.values())
    bounds = [wilson(sum(some), len(some)) for some in by_origin.values()]  # each origin's own, hence on the wide side
    gap_low = max(0.0, max(low for low, _ in bounds) - min(high for _, high in bounds))
    gap_high = max(high for _, high in bounds) - min(low for low, _ in bounds)
    return [
        Score(
            "health_deidentify",
            "recall",
            sum(values) / len(values),
            *wilson(sum(values), len(values)),
            len(values),
            protocol="synthetic notes",
        ),
        Score(
            "health_deidentify",
            "documents with a leak",
            leaking / len(rows),
            *wilson(leaking, len(rows)),
            len(rows),
            baseline=1 - sum(plain) / len(plain),
            baseline_name="patterns without names",
            protocol="synthetic notes",
            higher_is_better=False,
        ),
        Score(
            "health_deidentify",
            "recall gap between origins of names",
            gap,
            gap_low,
            gap_high,
            len(recalls),
            protocol="synthetic notes",
            higher_is_better=False,
            meta=recalls,
        ),
    ]


def flags() -> list[Score]:
    """Hand-written sentences: sensitivity at the chosen specificity, calibration; the rival sees words, not negation."""
    chances, right = [], []
    named = 0
    for text, risk in RISK_CASES:
        found = risks.flags(text)
        best = max((one.probability for one in found if not risk or one.risk == risk), default=0.0)
        chances.append(best)
        right.append(bool(risk))
        named += bool(found) and not risk
    quiet = [p for p, r in zip(chances, right, strict=True) if not r]
    loud = [p for p, r in zip(chances, right, strict=True) if r]
    bar = float(np.quantile(quiet, SPECIFICITY, method="higher"))
    hits = sum(p > bar for p in loud)
    sure_N = np.array([max(p, 1 - p) for p in chances])
    true_N = np.array([(p >= 0.5) == r for p, r in zip(chances, right, strict=True)])
    error = calibration_error(sure_N.tolist(), true_N.tolist(), bins=5)
    draws_RN = numpy_random(1, "calibration").integers(0, len(sure_N), (1000, len(sure_N)))
    drawn = [calibration_error(sure_N[row].tolist(), true_N[row].tolist(), bins=5) for row in draws_RN]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return [
        Score(
            "health_flags",
            f"sensitivity at specificity {SPECIFICITY}",
            hits / len(loud),
            *wilson(hits, len(loud)),
            len(loud),
            protocol="hand-written sentences",
        ),
        Score(
            "health_flags",
            "false alarms",
            sum(p >= 0.5 for p in quiet) / len(quiet),
            *wilson(sum(p >= 0.5 for p in quiet), len(quiet)),
            len(quiet),
            baseline=named / len(quiet),
            baseline_name="words alone",
            protocol="hand-written sentences",
            higher_is_better=False,
        ),
        Score(
            "health_flags",
            "calibration error",
            error,
            min(error, float(low)),  # resampling adds to this error: its interval lies high
            float(high),
            len(chances),
            protocol="5 bins, hand-written sentences",
            higher_is_better=False,
        ),
    ]


def refit() -> tuple[float, ...]:
    """`risks.WEIGHTS`, from the training templates."""
    rows, labels = [], []
    for text, meant in training():
        for start, end in risks._spans(text):
            sentence = text[start:end]
            after = text[end:].strip()
            for pattern in risks.PATTERNS.values():
                match = pattern.search(sentence)
                if match:
                    rows.append(risks.features(sentence, match.start(), match.end(), after))
                    labels.append(meant)
    return risks.fit(rows, labels)


DOSE_QUESTIONS = (
    "How much ibuprofen may I take?",
    "What is the maximum dose of paracetamol?",
    "How many tablets of aspirin a day?",
    "dosage of insulin for my father",
    "How often should I take my migraine pills?",
    "Can I take 800 mg of ibuprofen?",
    "what mg of triptan for migraine?",
    "How many puffs for asthma?",
)
UNKNOWN_QUESTIONS = (
    "How is scurvy treated?",
    "What helps against rabies?",
    "treatment of gout",
    "How is malaria cured?",
    "therapy for psoriasis?",
)


def refusals() -> list[Score]:
    """Doses and diseases the passages do not hold are refused; no answer ever holds a dose."""
    search = Search()
    search.add_documents(treatment.passages_of(treatment.SAMPLE))
    asked = (*DOSE_QUESTIONS, *UNKNOWN_QUESTIONS)
    good = sum(not treatment.options(one, search, 0.25).found for one in asked)
    search.close()
    return [
        Score(
            "health_treatment",
            "refused",
            good / len(asked),
            *wilson(good, len(asked)),
            len(asked),
            protocol="doses and unknown diseases, shipped passages",
        )
    ]


def dialogues(data: Path) -> list[Score]:
    """ROUGE of MTS-Dialog's section notes (validation part) beside the first words of the dialogue."""
    path = data / "clinical_notes" / "MTS-Dialog-ValidationSet.csv.gz"
    try:
        rows = list(csv.DictReader(io.StringIO(gzip.decompress(path.read_bytes()).decode("utf-8"))))[:MOST_DIALOGUES]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}.") from None
    found = []
    sections = sum(summary.section_of(row["dialogue"]) == row["section_header"] for row in rows)
    for metric in ("rouge1", "rouge2", "rougeL"):
        ours, rival = [], []
        for row in rows:
            limit = summary.MOST_WORDS.get(row["section_header"], summary.USUAL_WORDS)
            ours.append(rouge(row["section_text"], summary.summarize(row["dialogue"], row["section_header"]))[metric])
            rival.append(rouge(row["section_text"], summary.lead(row["dialogue"], limit))[metric])
        low, high = bootstrap(ours, 1)
        found.append(
            Score(
                "health_summary",
                metric,
                float(np.mean(ours)),
                low,
                high,
                len(ours),
                baseline=float(np.mean(rival)),
                baseline_name="first words, same length",
                protocol="MTS-Dialog validation, section given",
            )
        )
    found.append(
        Score(
            "health_sections",
            "accuracy",
            sections / len(rows),
            *wilson(sections, len(rows)),
            len(rows),
            protocol="MTS-Dialog validation, cue words",
        )
    )
    return found


def presidio(data: Path) -> list[Score]:
    """Recall on Presidio's synthetic sentences, of the kinds that tell who is meant."""
    path = data / "pii_presidio" / "synth_dataset_v2.json.gz"
    try:
        rows = json.loads(gzip.decompress(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}.") from None
    kinds = {
        "PERSON",
        "STREET_ADDRESS",
        "GPE",
        "PHONE_NUMBER",
        "EMAIL_ADDRESS",
        "CREDIT_CARD",
        "US_SSN",
        "IBAN_CODE",
        "ZIP_CODE",
        "IP_ADDRESS",
    }
    gone: dict[str, list[bool]] = {}
    whole = []
    for row in rows:
        clean = deidentify(row["full_text"])[0]
        mine = [
            (one["entity_type"], one["entity_value"] not in clean)
            for one in row["spans"]
            if one["entity_type"] in kinds
        ]
        for kind, good in mine:
            gone.setdefault(kind, []).append(good)
        if mine:
            whole.append(all(good for _, good in mine))
    values = [one for some in gone.values() for one in some]
    leaking = len(whole) - sum(whole)
    meta = {kind: round(sum(some) / len(some), 3) for kind, some in sorted(gone.items())}
    return [
        Score(
            "health_deidentify_presidio",
            "recall",
            sum(values) / len(values),
            *wilson(sum(values), len(values)),
            len(values),
            protocol="Presidio's sentences",
            meta=meta,
        ),
        Score(
            "health_deidentify_presidio",
            "documents with a leak",
            leaking / len(whole),
            *wilson(leaking, len(whole)),
            len(whole),
            protocol="Presidio's sentences",
            higher_is_better=False,
        ),
    ]


def medquad(data: Path) -> list[Score]:
    """Quotations on treatment come from the right page; links hidden from the literature explorer come back."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            with tarfile.open(data / "medquad" / "medquad.tar.gz") as archive:
                archive.extractall(folder, filter="data")
        except (OSError, tarfile.TarError) as error:
            raise DataError(f"MedQuAD in {data} cannot be read: {error}.") from None
        documents = list(treatment.passages_of(Path(folder)))
    search = Search()
    search.add_documents(documents)
    asked = sorted({str(one.meta["title"]) for one in documents if one.meta.get("kind") == "treatment"})[:100]
    quoted, true, doses = 0, 0, 0
    for focus in asked:
        made = treatment.options(f"How is {focus} treated?", search, 0.25)
        titles = {one.id: str(one.meta["title"]) for one in documents}
        quoted += made.found
        true += made.found and titles.get(made.citations[0].document_id) == focus
        doses += bool(treatment.DOSE.search(made.text))
    search.close()
    known = {str(one.meta["title"]).lower(): "disease" for one in documents if one.meta.get("title")}
    values = literature.hidden_link_score(literature.Network().add(documents, known))
    ours: Sequence[float] = values["ours"]
    low, high = bootstrap(list(ours), 1)
    return [
        Score(
            "health_treatment",
            "first quotation from the right page",
            true / len(asked),
            *wilson(true, len(asked)),
            len(asked),
            protocol="MedQuAD, diseases with a treatment answer",
        ),
        Score(
            "health_treatment",
            "answers with a dose",
            doses / len(asked),
            *wilson(doses, len(asked)),
            len(asked),
            protocol="MedQuAD",
            higher_is_better=False,
        ),
        Score(
            "health_links",
            "hidden links in the first ten",
            float(np.mean(ours)),
            low,
            high,
            len(ours),
            baseline=float(np.mean(values["popularity"])),
            baseline_name="most named",
            protocol="a fifth of MedQuAD's co-occurrences hidden",
        ),
    ]
