"""From a base model to one whose answers people like better: instruction data of the book, then preferences.

    python -m benchmarks.chat --model FOLDER --data FOLDER --out WORK

--model is a language model's folder (the base of a run, or a given one); --data holds instructions/ and preferences/ of
"Build a Large Language Model (From Scratch)" (Raschka 2024) as published: 1,100 instructions with an answer each, and the
same with a polite and an impolite one. Three steps, each kept when it is done: instructions (chat), a judge (reward model, on
the preferences' training part), DPO (from the instructed model). Printed, on held-out questions: the loss of the right
answers, how many answers end by themselves, how often the judge finds the better answer, how often it likes the
answers after DPO better than those before, each with a 95 % interval.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from pathlib import Path
from typing import Any

from groundup.core.console import Console
from groundup.core.stage import Context
from groundup.finetune.options import StepOptions
from groundup.finetune.stage import run as tune
from groundup.metrics.intervals import bootstrap, wilson

MAX_TOKENS = 96  # of an answer; four in five answers of the data are shorter
RATE = {"optimizer": "adamw", "schedule": "linear", "weight_decay": 0.0}


def main() -> int:
    """Carry out what is missing, then measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rate", type=float, default=1e-3, help="of the first step; a given large model wants 2e-5")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    rows = {name: unpacked(options.data / source, options.out / f"{name}.json") for name, source in SOURCES.items()}
    steps = {
        "instructed": ("chat", options.model, "instructions", options.rate, 3.0),
        "judge": ("reward", options.model, "preferences", options.rate / 2, 2.0),
        "preferred": ("prefer", options.out / "instructed" / "model", "preferences", options.rate / 20, 1.0),
    }
    counts = {}
    for name, (method, start, data, rate, epochs) in steps.items():
        place = options.out / name
        if not (place / "counts.json").exists():
            given = {"method": method, "data": [rows[data]], "epochs": epochs, "batch_size": 8, **RATE}
            given |= {"learning_rate": rate, "matrix_learning_rate": rate, "eval_every": 0, "sample_every": 0}
            found = tune(StepOptions(**given), {"model": start}, place, Context(console=Console(), device="cpu"))
            (place / "counts.json").write_text(json.dumps(found, default=str))
        counts[name] = json.loads((place / "counts.json").read_text())
        print(f"{name}: {short(counts[name])}", file=sys.stderr)
    print(json.dumps(measure(options.out, rows["preferences"]), indent=2))
    return 0


SOURCES = {
    "instructions": "instructions/rasbt_instruction_data.json.gz",
    "preferences": "preferences/rasbt_preference.json.gz",
}


def unpacked(source: Path, target: Path) -> str:
    """The rows as a file; of preferences the answer that is neither is left out."""
    rows = json.loads(gzip.decompress(source.read_bytes()))
    for row in rows:
        if "chosen" in row:
            row["prompt"] = f"{row.pop('instruction')}\n\n{row.pop('input', '')}".strip()
            row.pop("output", None)
    target.write_text(json.dumps(rows), encoding="utf-8")
    return str(target)


def measure(out: Path, preferences: str) -> dict[str, Any]:
    """The numbers of held-out questions, asked of the model before and after DPO."""
    from groundup.core.split import split_of
    from groundup.finetune.formats import Broken, read_file
    from groundup.finetune.reward import RewardModel
    from groundup.generate import Engine, Sampling
    from groundup.model import bundle
    from groundup.tokenizer.chat import render

    pairs = [one for one in read_file(Path(preferences)) if not isinstance(one, Broken)]
    pairs = [one for one in pairs if split_of(one.document_id) == "test"]
    judge = RewardModel.load(out / "judge" / "model", device="cpu")
    right = [float(judge.win_rate([one.messages], [one.choices[0]], [one.choices[1]])[0]) for one in pairs]
    answers, ended = {}, {}
    for name in ("instructed", "preferred"):
        opened = bundle.load(out / name / "model", device="cpu")
        asked = [render(opened.tokenizer, one.messages, add_generation_prompt=True).ids for one in pairs]
        made = Engine(opened).generate(asked, Sampling(max_tokens=MAX_TOKENS, temperature=0.0))
        answers[name] = [one.text for one in made]
        ended[name] = share([float(one.finish == "stop") for one in made])
    wins = judge.win_rate([one.messages for one in pairs], answers["preferred"], answers["instructed"]).tolist()
    return {
        "questions": len(pairs),
        "judge_right": share(right),
        "ended_before": ended["instructed"],
        "ended_after": ended["preferred"],
        "wins_after_dpo": share(wins),
        "shown": [
            {"question": one.messages[-1]["content"], "before": before, "after": after}
            for one, before, after in zip(pairs[:3], answers["instructed"], answers["preferred"], strict=False)
        ],
    }


def share(values: list[float]) -> dict[str, float]:
    """Mean with its 95 % interval."""
    whole = all(value in (0.0, 1.0) for value in values)
    low, high = wilson(int(sum(values)), len(values)) if whole else bootstrap(values, 1)
    return {"value": round(sum(values) / len(values), 4), "low": round(low, 4), "high": round(high, 4)}


def short(counts: dict[str, Any]) -> str:
    """The plain numbers."""
    return ", ".join(f"{name} {value}" for name, value in counts.items() if isinstance(value, int | float))


if __name__ == "__main__":
    sys.exit(main())
