"""The scores that the recipes' headers tell: each recipe of models run in a size for two cores, and measured.

    python -m benchmarks.recipes --data FOLDER --work FOLDER [--only gpt_books ...] [--share 1.0]

--data: a folder with pretrain_books_en/ and pretrain_wikipedia_en/ (JSON lines, gzip). --work: where the runs lie; a run that
was cut off goes on where it stopped, one that is made is only read, so the list may be stopped and started at will.
--share: of the recipes' steps, for a quick look. Prints one line a recipe, the line that its header quotes.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import groundup
from groundup.core.files import read_json
from groundup.stages import Recipe, read_recipe

BOOKS, WIKI = "pretrain_books_en", "pretrain_wikipedia_en"
# name -> the source that real text stands in for (None: the samples it has), and where that text lies
RECIPES: dict[str, tuple[str, str] | None] = {
    "gpt_books": ("books", BOOKS),
    "bert_wiki": ("wiki", WIKI),
    "t5_denoise": ("texts", WIKI),
    "transformer_original": None,
    "custom_moe": None,
}
PAIRS = 200  # translated with beams


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=list(RECIPES), choices=list(RECIPES))
    parser.add_argument("--share", type=float, default=1.0)
    given = parser.parse_args()
    for name in given.only:
        start = time.monotonic()
        recipe = recipe_of(name, given.data, given.share)
        folder = given.work / name
        stages = () if name == "transformer_original" else ("pretrain",)  # the others' story ends with the base model
        groundup.run(recipe, stages=stages, out=folder)
        row = {"recipe": name, "minutes": round((time.monotonic() - start) / 60, 1), **scores(folder)}
        if name == "transformer_original":
            row |= beams(folder)
        print(json.dumps(row), flush=True)
    return 0


def recipe_of(name: str, data: Path, share: float) -> Recipe:
    """The shipped recipe with real text in the place of its sample."""
    changes = []
    place = RECIPES[name]
    if place is not None:
        changes += [f"collect.{place[0]}.from={data / place[1]}", f"collect.{place[0]}.count=1000000"]
    recipe = read_recipe(name, changes)
    steps = max(10, round((recipe.pretrain.steps or 0) * share))
    return read_recipe(name, [*changes, f"pretrain.steps={steps}"])


def scores(folder: Path) -> dict[str, Any]:
    """What pretraining's last look saw, and what evaluation measured."""
    counts = read_json(folder / "4_pretrain" / "manifest.json")["counts"]
    found: dict[str, Any] = {
        name: counts[name] for name in ("parameters", "steps", "epochs", "seconds") if name in counts
    }
    found |= {name: value for name, value in counts["validation"].items() if isinstance(value, float)}
    path = folder / "6_evaluate" / "scores.json"
    for score in read_json(path) if path.is_file() else ():
        found[f"{score['task']} {score['metric']}"] = [score["value"], score["low"], score["high"], score["baseline"]]
    return found


def beams(folder: Path) -> dict[str, Any]:
    """BLEU of the translations with 1 and 4 beams on the unseen sentences that evaluation asks about."""
    from groundup.core.example import read_examples
    from groundup.core.split import split_of
    from groundup.finetune.text_step import Writer
    from groundup.metrics import bleu

    writer = Writer.load(folder / "5_finetune" / "chat" / "model")
    path = folder / "1_collect" / "examples" / "stories" / "translation.jsonl.zst"
    held = [example for example in read_examples(path) if split_of(example.document_id) == "test"][:PAIRS]
    sources = [example.messages[0]["content"] for example in held]
    wanted = [example.target for example in held]
    return {f"bleu_{number}_beams": bleu(wanted, writer.write(sources, beams=number)) for number in (1, 4)}


if __name__ == "__main__":
    sys.exit(main())
