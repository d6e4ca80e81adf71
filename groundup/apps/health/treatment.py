"""Treatment options: sentences that stand in trusted passages, quoted with their place; never a dose; else a refusal.

The passages are the user's own, MedQuAD's files (question and answer pairs of the US National Institutes of Health), or
the shipped sample. A sentence that names a dose is left out, and a question for a dose is refused.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

from groundup.apps.base import Answer, Citation
from groundup.apps.search.answering import readable
from groundup.apps.search.app import Search
from groundup.apps.search.passages import sentences
from groundup.apps.search.reading import documents_of
from groundup.apps.search.stem import stem, stems
from groundup.core.document import Document

SAMPLE = Path(__file__).parent / "passages"
DOSE = re.compile(
    r"\b\d+(?:[.,]\d+)?\s*(?:-\s*\d+\s*)?(?:mg|mcg|\u00b5g|micrograms?|milligrams?|g|grams?|"
    r"ml|milliliters?|cc|units?|iu|tablets?|pills?|capsules?|drops?|puffs?|teaspoons?|"
    r"mg/kg)\b|"
    r"\b(?:one|two|three|four|half an?) (?:tablets?|pills?|capsules?|puffs?|teaspoons?)\b|"
    r"\b(?:once|twice|three times|\d+ times|every \d+ hours)\b[^.]{0,12}\b(?:daily|a day|"
    r"per day|hours)\b",
    re.I,
)
ASKS_DOSE = re.compile(
    r"\b(?:dos(?:e|es|age|ing)|how (?:much|many|often)|mg|milligrams?|tablets?|pills?|max(?:imum)?|overdose)\b", re.I
)
TREATS = re.compile(
    r"\b(?:treat\w*|therap\w*|medicin\w*|medication\w*|surgery|surgical|drug\w*|manag\w*|"
    r"relie\w*|cure\w*|transplant\w*|radiation|chemotherapy|exercise|diet|rest|counseling|"
    r"vaccin\w*|antibiotic\w*|remov\w*|avoid\w*|help\w*)\b",
    re.I,
)
REFUSED_DOSE = "I do not give doses. Ask your doctor or pharmacist, or read the leaflet that comes with the medicine."
NOTHING = "I found no treatment in the trusted passages. I do not make one up; please ask a clinician."
MOST = 3
TOPIC_WORDS = frozenset(
    stems(
        "treatment treatments treat treated options therapy medicine help cure disease "
        "syndrome condition person people best available against work works use used good give "
        "given do done should could patient"
    )
)


def passages_of(place: Path) -> Iterator[Document]:
    """Trusted passages: MedQuAD's XML as one document an answer, other files as search reads them."""
    files = sorted(place.rglob("*.xml")) if place.is_dir() else []
    for path in files:
        yield from _medquad(path)
    if not files:
        yield from documents_of(place, [], place.name)


def _medquad(path: Path) -> Iterator[Document]:
    try:
        root = ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, OSError):
        return
    focus, url = root.findtext("Focus") or "", root.attrib.get("url", path.name)
    for pair in root.iter("QAPair"):
        question, answer = pair.find("Question"), pair.findtext("Answer") or ""
        kind = question.attrib.get("qtype", "") if question is not None else ""
        if answer.strip():
            meta = {"title": focus, "kind": kind}
            path_ = f"{url}#{pair.attrib.get('pid', '1')}-{kind}"
            yield Document(
                text=" ".join(answer.split()),
                source=root.attrib.get("source", "medquad"),
                path=path_,
                licence="CC BY 4.0",
                meta=meta,
            )


def options(question: str, search: Search, threshold: float) -> Answer:
    """Quotations on the treatment of what the question names; a refusal for doses and where nothing is found."""
    if ASKS_DOSE.search(question):
        return Answer(REFUSED_DOSE, found=False)
    subject = [one for one in dict.fromkeys(stems(question)) if one not in TOPIC_WORDS]
    if not subject:
        return Answer("Name the disease or complaint.", found=False)
    query = search.understand(question)
    ranked = search.rank(query)[:20]
    found = search.index.passages([number for number, _ in ranked])
    chosen: list[tuple[float, Citation]] = []
    weights = {one: search.weight(one) for one in subject}
    total = sum(weights.values())
    for rank, (number, _) in enumerate(ranked):
        place = found[number]
        title = {stem(word) for word in re.findall(r"\w+", place.title.lower())}
        held = title | set(stems(place.text))
        about = sum(weights[one] for one in subject if one in title) / total
        inside = sum(weights[one] for one in subject if one in held) / total
        if max(about, 0.9 * inside) < max(threshold, 0.6):
            continue
        for span in sentences(place.text):
            sentence = place.text[span.start : span.end]
            if TREATS.search(sentence) and not DOSE.search(sentence) and 5 < len(sentence.split()) < 70:
                value = (
                    about
                    + 0.5 * bool(re.search(r"treat|therap", sentence, re.I))
                    + 0.3 * ("treatment" in place.path)
                    - 0.03 * rank
                )
                start = place.start + span.start
                chosen.append(
                    (
                        value,
                        Citation(place.document_id, place.path, start, start + len(sentence), sentence, place.source),
                    )
                )
    best = [one for _, one in sorted(chosen, key=lambda pair: -pair[0])[:MOST]]
    # Looked up again before it leaves: what is quoted stands in the passage.
    best = [one for one in best if search.index.text_of(one.document_id)[one.start : one.end] == one.text]
    if not best:
        return Answer(NOTHING, found=False)
    said = " ".join(f'"{readable(one.text)}" [{number}]' for number, one in enumerate(best, start=1))
    return Answer(f"The passages say: {said}", tuple(best), confidence=min(1.0, max(v for v, _ in chosen) / 2))
