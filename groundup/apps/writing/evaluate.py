"""How well the writing desk does: corrections (F0.5), suggestions on right text, tone, drafts, summaries.

Corrections on our hand-written cases are counted by whole edits of words, as the MaxMatch and ERRANT scorers do: an edit
counts when the same words stand replaced by the same words. The rival is a spelling checker: the nearest known word for
every unknown one. Doing nothing has an F0.5 of 0.
"""

from __future__ import annotations

import difflib
import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from groundup.apps.search.evaluate import squad_pairs
from groundup.apps.writing import drafts, quality, shorten
from groundup.apps.writing.candidates import spellings
from groundup.apps.writing.cases import CASES, CLEAN, TONE_CASES
from groundup.apps.writing.corrector import Corrector, as_tokens
from groundup.apps.writing.learning import good_sentences
from groundup.apps.writing.phrases import TONES
from groundup.apps.writing.scoring import f_half
from groundup.apps.writing.tokens import cased, tokens
from groundup.core.errors import DataError
from groundup.core.randomness import numpy_random, python_random
from groundup.core.score import Score
from groundup.core.split import split_of
from groundup.metrics.intervals import bootstrap, wilson
from groundup.metrics.summary_overlap import rouge

WordEdit = tuple[int, int, tuple[str, ...]]
ORDERS = tuple(
    drafts.Order(kind, topic, points, tone, length, "Dana", "Lee")
    for kind, topic, points in (
        ("e-mail", "the summer party", ("the party is on 4 July", "a new grill", "please bring a salad")),
        ("e-mail", "your invoice", ("invoice 1203 is overdue", "a second copy of the invoice")),
        ("article", "walking to work", ("better sleep", "cleaner air", "it costs nothing")),
        ("product", "the Glow desk lamp", ("three levels of light", "a warranty of two years", "it folds flat")),
        ("story", "a fox who could read", ("a letter in the snow", "an old owl", "a long way home")),
    )
    for tone in TONES
    for length in (60, 90)
)


def word_edits(before: str, after: str) -> set[WordEdit]:
    """The differences of two texts as (first word, last word, new words) of the first."""
    a, b = [one.word for one in tokens(before)], [one.word for one in tokens(after)]
    blocks = difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
    return {(i1, i2, tuple(b[j1:j2])) for tag, i1, i2, j1, j2 in blocks if tag != "equal"}


def corrections(correct: Callable[[str], str], cases: Sequence[tuple[str, str]] = CASES) -> tuple[float, float, float]:
    """``(F0.5, low, high)`` of a corrector on (wrong, right) pairs; the interval resamples pairs."""
    counts = []
    for wrong, right in cases:
        said, wanted = word_edits(wrong, correct(wrong)), word_edits(wrong, right)
        counts.append((len(said & wanted), len(said), len(wanted)))
    counts_N3 = np.array(counts)
    draws = numpy_random(1, "corrections").integers(0, len(counts_N3), (1000, len(counts_N3)))
    values = [f_half(*(int(n) for n in counts_N3[draw].sum(0))) for draw in draws]
    low, high = np.quantile(values, [0.025, 0.975])
    return f_half(*(int(n) for n in counts_N3.sum(0))), float(low), float(high)


def spelling_checker(corrector: Corrector) -> Callable[[str], str]:
    """The rival: every unknown word is replaced by the nearest known one."""

    def correct(text: str) -> str:
        for token in reversed(tokens(text)):
            if token.is_word and token.word.isalpha() and not corrector.counts.knows(token.lower):
                near = spellings(token.lower, corrector.counts)
                if near:
                    text = text[: token.start] + cased(near[0], token.word) + text[token.end :]
        return text

    return correct


def run(corrector: Corrector, data: Path | None = None) -> list[Score]:
    """`groundup app writing --evaluate`; a data folder adds summaries (its scitldr/)."""
    value, low, high = corrections(corrector.correct)
    rival = corrections(spelling_checker(corrector))[0]
    wrong = sum(bool(corrector.suggest(text)) for text in CLEAN)
    tones = [
        max(chances, key=lambda one: chances[one]) == tone
        for text, tone in TONE_CASES
        for chances in [quality.tone_of(text)]
    ]
    made = [(order, drafts.draft(order)) for order in ORDERS]
    rows = [quality.judged(text, length=order.length, points=order.points, tone=order.tone) for order, text in made]
    scores = [
        Score(
            "writing_corrections",
            "f0.5",
            value,
            low,
            high,
            len(CASES),
            baseline=rival,
            baseline_name="spelling checker",
            protocol="hand-written cases, whole edits",
        ),
        Score(
            "writing_corrections_right_text",
            "sentences changed",
            wrong / len(CLEAN),
            *wilson(wrong, len(CLEAN)),
            len(CLEAN),
            baseline=0.0,
            baseline_name="do nothing",
            protocol="hand-written right sentences",
            higher_is_better=False,
        ),
        Score(
            "writing_tone",
            "accuracy",
            sum(tones) / len(tones),
            *wilson(sum(tones), len(tones)),
            len(tones),
            chance=1 / 3,
            protocol="hand-written sentences, three tones",
        ),
    ]
    for name in ("length in words", "points covered", "tone", "repetition"):
        held = [bool(row["ok"]) for each in rows for row in each if row["what"] == name]
        scores.append(
            Score(
                "writing_drafts",
                name,
                sum(held) / len(held),
                *wilson(sum(held), len(held)),
                len(held),
                protocol="without a bigger model",
            )
        )
    return scores + ([*right_text(corrector, data), *summaries(data)] if data is not None else [])


# Published texts under a data folder; what the shipped corrector learned from is told apart row by row.
BOOKS, PAGES = "pretrain_books_en/books.jsonl.gz", "pretrain_gov_articles/articles.jsonl.gz"
NUM_RIGHT = 500  # sentences of each
LONGEST_READ = 200_000  # characters of one book


def unseen_rows(data: Path, file: str, part: str = "test") -> list[str]:
    """The texts of a JSON Lines file that the shipped corrector did not learn from: by the hash of file and row's name."""
    texts = []
    try:
        with gzip.open(data / file, "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                if split_of(f"{file}{row.get('id') or row.get('path')}", validation=0.05, test=0.08) == part:
                    texts.append(str(row["text"])[:LONGEST_READ])
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{data / file} cannot be read: {error}.") from None
    return texts


def right_text(corrector: Corrector, data: Path) -> list[Score]:
    """How many sentences of published text would be changed: old books, government pages, edited Wikipedia, all unseen."""
    texts = {
        "books": unseen_rows(data, BOOKS),
        "government": unseen_rows(data, PAGES),
        "encyclopedia": [one.text for one in squad_pairs(data / "squad" / "squad_v2_dev.json.gz")[0]],
    }
    scores = []
    for name, unseen in texts.items():
        sentences = [words for text in unseen for words in good_sentences(text)]
        chosen = python_random(1, name).sample(sentences, min(NUM_RIGHT, len(sentences)))
        changed = sum(bool(corrector.chosen(as_tokens(words))) for words in chosen)
        scores.append(
            Score(
                f"writing_right_text_{name}",
                "sentences changed",
                changed / max(1, len(chosen)),
                *wilson(changed, len(chosen)),
                len(chosen),
                baseline=0.0,
                baseline_name="do nothing",
                protocol="published sentences, taken as right",
                higher_is_better=False,
            )
        )
    return scores


def summaries(data: Path) -> list[Score]:
    """ROUGE-L of the most central sentence beside the first one, on SciTLDR's development part."""
    path = data / "scitldr" / "scitldr_dev.jsonl.gz"
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            rows = [json.loads(line) for line in file]
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}.") from None
    ours: list[float] = []
    lead: list[float] = []
    for row in rows:
        targets = row["target"] if isinstance(row["target"], list) else [row["target"]]
        text = " ".join(row["source"])
        for values, said in ((ours, shorten.summarize(text, 1)), (lead, row["source"][0])):
            values.append(max(rouge(target, said)["rougeL"] for target in targets))
    low, high = bootstrap(ours, 1)
    return [
        Score(
            "writing_summaries",
            "rougeL",
            float(np.mean(ours)),
            low,
            high,
            len(ours),
            baseline=float(np.mean(lead)),
            baseline_name="first sentence",
            protocol="SciTLDR development, one sentence",
        )
    ]
