"""Links in literature: which drugs, diseases and genes stand together, and which may belong together though no text says so.

A-B-C (Swanson 1986): A stands with B, B with C, A never with C. A pair is ranked by the sum over B of the products of their
association (positive pointwise mutual information), so that a B that stands with everything counts little. A ranking is a
hint for reading, not a finding; it is scored on links that were hidden from it.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from groundup.core.document import Document
from groundup.core.randomness import python_random
from groundup.language.words import sentences

DRUG = re.compile(
    r"\b[a-z]{3,}(?:mab|nib|statin|pril|sartan|olol|azole|cillin|mycin|floxacin|vir|dipine|"
    r"sone|solone|prazole|tidine|caine|azepam|zolam|barbital|formin|gliptin|"
    r"parin|platin|rubicin|taxel|cycline|thiazide|semide|oxetine|triptan|lukast|tinib|"
    r"penem)\b|\b(?:aspirin|insulin|lithium|warfarin|morphine|ibuprofen|acetaminophen|"
    r"methotrexate|cortisone|heparin|interferon|tamoxifen|digoxin|levodopa|caffeine|penicillin)\b",
    re.I,
)
GENE = re.compile(
    r"\b[A-Z][A-Z0-9]{2,5}\d[A-Z0-9]{0,2}\b|\b(?:BRCA[12]|TP53|CFTR|HBB|APOE|EGFR|KRAS|MYC|PTEN|RET|VHL)\b"
)
NOT_GENES = re.compile(r"^(?:H1N1|COVID19|T[34]|B12|A1C|HBA1C|CO2|CD4|HIV1|SF36|ICD10|FY\d+)$")
DISEASE = re.compile(
    r"\b(?:[A-Za-z][\w'-]+ ){0,2}(?:cancer|carcinoma|lymphoma|leukemia|melanoma|sarcoma|"
    r"syndrome|disease|dystrophy|anemia|diabetes|hepatitis|arthritis|asthma|epilepsy|"
    r"fibrosis|deficiency|infection|failure|stroke|hypertension|migraine|depression|"
    r"dementia|neuropathy|cardiomyopathy)\b",
    re.I,
)
EMPTY = frozenset(
    [
        "the",
        "a",
        "an",
        "this",
        "that",
        "of",
        "in",
        "for",
        "with",
        "and",
        "or",
        "as",
        "other",
        "any",
        "some",
        "such",
        "your",
        "their",
        "his",
        "her",
        "its",
        "these",
        "those",
        "have",
        "has",
        "is",
        "are",
        "be",
        "by",
        "to",
        "from",
        "most",
        "more",
        "many",
        "all",
        "each",
        "called",
        "named",
        "rare",
        "common",
        "severe",
        "certain",
        "get",
        "getting",
        "having",
        "cause",
        "causes",
        "when",
        "if",
        "people",
        "about",
    ]
)


@dataclass(frozen=True)
class Link:
    """A possible link of two things that no text names together. through: the B's, the strongest first."""

    first: str
    second: str
    score: float
    through: tuple[str, ...]


class Network:
    """Things and how often two of them stand in one sentence or neighbouring ones of a text."""

    def __init__(self) -> None:
        self.kinds: dict[str, str] = {}
        self.counts: Counter[str] = Counter()
        self.together: dict[str, Counter[str]] = defaultdict(Counter)
        self.where: dict[tuple[str, str], tuple[str, str]] = {}  # pair -> (path, sentence)

    def add(self, documents: Iterable[Document], known: Mapping[str, str] | None = None) -> Network:
        """Read texts. known: further names (lower case) -> kind, for instance the focus of each MedQuAD page."""
        for document in documents:
            title = str(document.meta.get("title", ""))
            spans = sentences(document.text)[:400]
            for start, end in spans:
                sentence = document.text[start:end]
                found = things(f"{title}. {sentence}", known)
                names = sorted(found)[:12]
                self.kinds.update(found)
                self.counts.update(names)
                for place, first in enumerate(names):
                    for second in names[place + 1 :]:
                        self.together[first][second] += 1
                        self.together[second][first] += 1
                        self.where.setdefault((first, second), (document.path, sentence[:300]))
        return self

    def association(self, first: str, second: str) -> float:
        """Positive pointwise mutual information, weighed down for pairs seen once (Pantel and Lin's discount)."""
        both = self.together[first][second] if first in self.together else 0
        if not both:
            return 0.0
        total = sum(self.counts.values())
        value = math.log(both * total / (self.counts[first] * self.counts[second]))
        return max(0.0, value) * both / (both + 1)

    def hypotheses(
        self, first: str, kind: str = "", hidden: frozenset[tuple[str, str]] = frozenset(), most: int = 10
    ) -> list[Link]:
        """What may be linked to `first` through others; links in `hidden` count as unseen."""
        scores: defaultdict[str, float] = defaultdict(float)
        through: dict[str, list[tuple[float, str]]] = defaultdict(list)
        direct = {one for one in self.together.get(first, ()) if _pair(first, one) not in hidden}
        for middle in direct:
            near = self.association(first, middle)
            for second in self.together[middle]:
                if (
                    second == first
                    or second in direct
                    or (kind and self.kinds.get(second) != kind)
                    or _pair(middle, second) in hidden
                ):
                    continue
                value = near * self.association(middle, second) / math.log(2 + len(self.together[middle]))
                if value > 0:
                    scores[second] += value
                    through[second].append((value, middle))
        return [
            Link(first, second, value, tuple(name for _, name in sorted(through[second], reverse=True)[:3]))
            for second, value in sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))[:most]
        ]


def things(text: str, known: Mapping[str, str] | None = None) -> dict[str, str]:
    """name (lower case) -> kind of every drug, gene and disease of a sentence."""
    found = {match.group().lower(): "drug" for match in DRUG.finditer(text)}
    found |= {match.group().lower(): "gene" for match in GENE.finditer(text) if not NOT_GENES.match(match.group())}
    for match in DISEASE.finditer(text):
        words = match.group().lower().split()
        while words and words[0] in EMPTY:
            words.pop(0)
        if len(words) > 1 or (
            words
            and words[0]
            in (
                "asthma",
                "epilepsy",
                "diabetes",
                "stroke",
                "anemia",
                "leukemia",
                "lymphoma",
                "melanoma",
                "migraine",
                "hepatitis",
            )
        ):
            found[" ".join(words)] = "disease"
    lower = text.lower()
    found |= {name: kind for name, kind in (known or {}).items() if len(name) > 4 and name in lower}
    return found


def hidden_link_score(
    network: Network, *, share: float = 0.2, seed: int = 1, most: int = 400
) -> dict[str, Sequence[float]]:
    """Hide a share of the links, rank what is left, see where the hidden ones come: per hidden link 1 if in the first ten.

    Beside it the rival that ranks by how often a thing is named at all.
    """
    random = python_random(seed, "links")
    links = sorted(
        {
            _pair(a, b)
            for a, others in network.together.items()
            for b in others
            if len(network.together[a]) > 1 and len(network.together[b]) > 1
        }
    )
    random.shuffle(links)
    hidden = frozenset(links[: max(1, int(share * len(links)))])
    ours: list[float] = []
    rival: list[float] = []
    popular = [name for name, _ in network.counts.most_common()]
    for first, second in sorted(hidden)[:most]:
        kind = network.kinds[second]
        ranked = [one.second for one in network.hypotheses(first, kind, hidden, most=10)]
        direct = {one for one in network.together[first] if _pair(first, one) not in hidden}
        free = [name for name in popular if network.kinds[name] == kind and name != first and name not in direct][:10]
        ours.append(float(second in ranked))
        rival.append(float(second in free))
    return {"ours": ours, "popularity": rival}


def _pair(a: str, b: str) -> tuple[str, str]:
    return (a, b) if a < b else (b, a)
