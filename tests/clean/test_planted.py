"""A planted corpus, every fact known: recall and precision of what cleaning finds, each at least 0.95."""

import json
import random

import pytest

from groundup.clean import stage
from groundup.clean.options import CleanOptions
from groundup.collect.samples import SAMPLES
from groundup.core.console import Console
from groundup.core.document import Document, read_documents, read_dropped, write_documents
from groundup.core.stage import Context

FLOOR = 0.95
COUNT = 40  # of each kind; 500 stories stay as they are
GERMAN = (
    "Der alte Fischer ging jeden Morgen zum Hafen von {0} und sah auf das Meer. Heute brachte er {1} Fische nach Hause, und "
    "seine Tochter kochte daraus eine Suppe. Am Abend sassen sie vor dem Haus und redeten ueber das Wetter und die Boote. "
    "Dann kam der Nachbar mit einem Brief aus der Stadt, den niemand lesen wollte, weil er von Schulden sprach."
)


def shingles(text, n=5):
    words = text.lower().split()
    return {tuple(words[i : i + n]) for i in range(len(words) - n + 1)}


def jaccard(a, b):
    return len(shingles(a) & shingles(b)) / len(shingles(a) | shingles(b))


def near_copy(text, wanted, draw):
    """`text` with its end rewritten until it is about as similar as wanted."""
    words = text.split()
    for cut in range(1, len(words)):
        changed = " ".join(words[:-cut] + [f"{draw.choice('bdfgkl')}{draw.randrange(10**6)}" for _ in range(cut)])
        if jaccard(text, changed) <= wanted:
            return changed
    return text


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planted-rates")
    draw = random.Random(7)
    stories = [item.text for item in SAMPLES.get("stories").documents("stories", 900, 3, "")]
    taken = iter(stories[500:])
    quiz = [{"question": f"What became of {draw.randrange(10**9)} lamps and the old boat of {name}?", "answer": f"{name} sold "
             f"them to {draw.randrange(10**6)} sailors"} for name in ("Nora", "Tom", "Ida", "Max") * 10]  # fmt: skip
    kinds = {"plain": stories[:500]}
    kinds["exact"] = [f" {text}\n" for text in stories[:COUNT]]
    for level in (0.9, 0.8, 0.5):
        originals = [next(taken) for _ in range(COUNT)]
        kinds["plain"] += originals
        kinds[f"near {level}"] = [near_copy(text, level, draw) for text in originals]
    kinds["leak"] = [f"{next(taken)} {row['question']} Answer: {row['answer']}." for row in quiz]
    kinds["language"] = [GERMAN.format(f"Ort{number}", number * 7) for number in range(COUNT)]
    hurt = [next(taken).replace("'", "\u2019") for _ in range(COUNT)]
    hurt = [f"{text} \u00abCaf\u00e9,\u00bb she said \u2013 na\u00efve." for text in hurt]
    kinds["mojibake"] = [text.encode("utf-8").decode("cp1252", "replace") for text in hurt if _survives(text)]
    truth = [text for text in hurt if _survives(text)]
    menu = "Home | About us | Contact | Imprint"
    framed = [next(taken) for _ in range(COUNT)]
    kinds["boilerplate"] = [f"{menu}\n{text}\nWe use cookies to make this site better." for text in framed]
    rows = [Document(text, "mine", f"{kind}/{n}") for kind, texts in kinds.items() for n, text in enumerate(texts)]
    write_documents(folder / "1" / "documents" / "mine-00000.parquet", rows)
    (folder / "quiz.jsonl").write_text("\n".join(json.dumps(row) for row in quiz))
    options = CleanOptions(
        steps=("html", "text", "boilerplate", "language", "contamination", "duplicates"),
        language={"keep": ("en",)},
        contamination={"against": (str(folder / "quiz.jsonl"),)},
    )
    stage.run(options, {"collect": folder / "1"}, folder / "2", Context(console=Console(quiet=True)))
    dropped = {item.document.path: item for item in read_dropped(folder / "2" / "dropped")}
    clean = {item.path: item.text for item in read_documents(folder / "2" / "documents")}
    return rows, dropped, clean, {"mojibake": truth, "boilerplate": framed}


def _survives(text):
    """Whether no byte of it is lost in Windows-1252, so that the truth can be restored."""
    return not any(byte in text.encode("utf-8") for byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D))


def rates(planted, kinds, steps):
    """(recall, precision) of the drops by `steps` for the documents planted as `kinds`."""
    rows, dropped, _, _ = planted
    wanted = {row.path for row in rows if row.path.split("/")[0] in kinds}
    found = {path for path, item in dropped.items() if item.step in steps}
    # Of two copies either may stay: the other one counts as the planted copy found
    pairs = {path: dropped[path].detail.removeprefix("a copy of ") for path in found}
    ids = {row.id: row.path for row in rows}
    hit = {path for path in wanted if path in found} | {
        ids[kept] for path, kept in pairs.items() if path not in wanted and ids.get(kept) in wanted
    }
    wrong = {path for path in found - wanted if ids.get(pairs[path]) not in wanted}
    assert len(wanted) >= COUNT
    return len(hit) / len(wanted), 1 - len(wrong) / max(1, len(found))


@pytest.mark.parametrize(
    ("kinds", "steps"),
    [
        (("exact", "near 0.9", "near 0.8"), ("duplicates",)),
        (("leak",), ("contamination",)),
        (("language",), ("language",)),
    ],
)
def test_what_should_go_goes_and_little_else(planted, kinds, steps):
    recall, precision = rates(planted, kinds, steps)
    assert recall >= FLOOR
    assert precision >= FLOOR


def test_texts_that_share_half_of_their_words_both_stay(planted):
    rows, dropped, _, _ = planted
    apart = [row.path for row in rows if row.path.startswith("near 0.5")]
    assert sum(path in dropped for path in apart) <= (1 - FLOOR) * len(apart)


@pytest.mark.parametrize("kind", ["mojibake", "boilerplate"])
def test_what_should_be_repaired_is_to_the_letter_and_plain_texts_are_not_touched(planted, kind):
    rows, _, clean, truth = planted
    restored = [clean.get(f"{kind}/{number}") == text for number, text in enumerate(truth[kind])]
    assert len(restored) >= COUNT // 2
    assert sum(restored) >= FLOOR * len(restored)
    kept = [row for row in rows if row.path.startswith("plain") and row.path in clean]
    assert sum(clean[row.path] == row.text for row in kept) >= FLOOR * len(kept)
