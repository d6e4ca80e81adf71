"""How fast cleaning is beside its peers, one core, one table: each peer and we get the same texts in the same process.

    python -m benchmarks.data --data FOLDER     FOLDER: real public data (html_article_extraction/, pretrain_*/ ...)

A row: what is compared, the peer, its MB/s, ours, the ratio, and how well both do where there is a truth (token F1 of
the main text) or how often both agree. The median of three rounds, taken in turns. A peer that is not installed is
left out, and the table says so.
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
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from groundup.clean.main_text import main_text
from groundup.clean.near import NearDuplicates
from groundup.clean.text import without_mojibake
from groundup.language.identify import identify
from groundup.language.words import words

ROUNDS = 3


def rows_of(path: Path, limit_bytes: int) -> list[str]:
    """Texts of a .jsonl.gz file, up to about `limit_bytes` characters."""
    texts, size = [], 0
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            texts.append(str(json.loads(line)["text"])[:20_000])
            size += len(texts[-1])
            if size > limit_bytes:
                break
    return texts


def pages_of(path: Path) -> list[tuple[str, str]]:
    """(page, true text) of the article extraction benchmark."""
    pages, truth = {}, {}
    with tarfile.open(path) as archive:
        for member in archive:
            content = archive.extractfile(member)
            if content is None:
                continue
            if member.name.endswith("ground-truth.json"):
                truth = json.load(content)
            elif member.name.endswith(".html"):
                pages[Path(member.name).stem] = content.read().decode("utf-8", "replace")
    return [(pages[name], facts["articleBody"]) for name, facts in truth.items() if name in pages]


def token_f1(found: str, truth: str) -> float:
    """F1 over the words of both texts, as bags."""
    a, b = Counter(words(found)), Counter(words(truth))
    return 2 * sum((a & b).values()) / max(1, sum(a.values()) + sum(b.values()))


def side_by_side(ours: Callable[[], Any], peer: Callable[[], Any]) -> tuple[float, float, Any, Any]:
    """(our seconds, the peer's, our result, the peer's): CPU seconds, medians of rounds in turns."""
    seconds: tuple[list[float], list[float]] = ([], [])
    results: list[Any] = [None, None]
    for _ in range(ROUNDS):
        for place, work in enumerate((ours, peer)):
            start = time.process_time()
            results[place] = work()
            seconds[place].append(time.process_time() - start)
    return statistics.median(seconds[0]), statistics.median(seconds[1]), results[0], results[1]


def near(texts: Sequence[str]) -> list[list[int]]:
    """Our near duplicates from texts to clusters."""
    finder = NearDuplicates(ngram=5, permutations=128, bands=21, threshold=0.7)
    for text in texts:
        finder.add(text)
    return list(finder.clusters())


def rensa_signatures(texts: Sequence[str]) -> list[Any]:
    """rensa called directly, shingles as its documentation makes them; signatures only."""
    from rensa import RMinHash

    signed = []
    for text in texts:
        found = text.lower().split()
        minhash = RMinHash(num_perm=128, seed=42)
        minhash.update([" ".join(found[i : i + 5]) for i in range(max(1, len(found) - 4))])
        signed.append(minhash.digest())
    return signed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--megabytes", type=float, default=2.0, help="of text for each comparison")
    given = parser.parse_args()
    texts = rows_of(given.data / "pretrain_gov_articles" / "articles.jsonl.gz", int(given.megabytes * 1e6))
    pages = pages_of(given.data / "html_article_extraction" / "pages.tar.gz")
    size, page_size = (sum(map(len, part)) / 1e6 for part in (texts, [page for page, _ in pages]))
    table = []

    def compare(
        what: str, peer: str, megabytes: float, ours: Any, theirs: Any, tell: Callable[[Any, Any], str]
    ) -> None:
        if importlib.util.find_spec(peer) is None:
            table.append((what, peer, "-", "-", "-", "not installed"))
            return
        mine, other, a, b = side_by_side(ours, theirs)
        speeds = (f"{megabytes / other:.2f}", f"{megabytes / mine:.2f}", f"{other / mine:.1f}x")
        table.append((what, peer, *speeds, tell(a, b)))

    def f1(found: list[str]) -> float:
        return statistics.mean(token_f1(text or "", truth) for text, (_, truth) in zip(found, pages, strict=True))

    def extracted() -> list[str]:
        import trafilatura

        return [trafilatura.extract(page, include_comments=False) for page, _ in pages]

    def fixed() -> list[str]:
        import ftfy

        return [ftfy.fix_encoding(text) for text in texts]

    def classified() -> list[str]:
        import py3langid

        return [py3langid.classify(text)[0] for text in texts]

    def agree(a: list[str], b: list[str]) -> str:
        return f"same in {sum(map(str.__eq__, a, b)) / len(a):.3f}"

    compare("html", "trafilatura", page_size, lambda: [main_text(page).text for page, _ in pages], extracted,
            lambda a, b: f"F1 ours {f1(a):.3f}, theirs {f1(b):.3f}")  # fmt: skip
    compare("repair", "ftfy", size, lambda: [without_mojibake(text) for text in texts], fixed,
            lambda a, b: agree(a, b))  # fmt: skip
    compare("language", "py3langid", size, lambda: [identify(text)[0] for text in texts], classified, agree)
    compare("near duplicates", "rensa", size, lambda: near(texts), lambda: rensa_signatures(texts),
            lambda a, b: f"{len(a)} clusters; theirs: signatures only")  # fmt: skip
    print(f"{'what':<16}{'peer':<13}{'peer MB/s':>10}{'our MB/s':>10}{'ratio':>8}  result")
    for what, peer, theirs, ours, ratio, result in table:
        print(f"{what:<16}{peer:<13}{theirs:>10}{ours:>10}{ratio:>8}  {result}")


if __name__ == "__main__":
    main()
