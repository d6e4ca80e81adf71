"""A run folder made up in a second: real Parquet, JSON and manifests through core, invented numbers, no training.

`fabricate(folder)` writes all eight stages; `without` leaves some out, so that pages can be tested half-finished.
"""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

from groundup.clean.statement import Statement
from groundup.core.document import Document, Dropped, write_documents
from groundup.core.example import Example, write_examples
from groundup.core.files import write_bytes, write_json
from groundup.core.manifest import Manifest, hardware, hash_outputs, versions, write_manifest
from groundup.core.score import Score, write_scores
from groundup.core.split import split_of

NAMES = ["Mira", "Tom", "Lena", "Oskar", "Ada", "Jonas", "Ruth", "Emil"]
PLACES = ["harbour", "market", "old mill", "library", "orchard", "station"]
THINGS = ["lantern", "kite", "map", "bicycle", "violin", "letter"]
FEELINGS = [("happy", "positive"), ("proud", "positive"), ("sad", "negative"), ("worried", "negative")]
BOILERPLATE = "Subscribe to our newsletter. All rights reserved."

RECIPE = """# groundup run demo
name = "demo"
seed = 1
budget = "5m"

[collect.stories]
from = "samples:stories"
count = 400

[clean]
steps = ["text", "boilerplate", "quality", "duplicates", "privacy"]

[tokenizer]
vocabulary_size = 400

[model]
depth = 4

[finetune.chat]
data = ["stories:answers"]
"""


def story(number: int, random_: random.Random) -> tuple[str, dict[str, str]]:
    """One short story and the facts in it."""
    name, friend = random_.sample(NAMES, 2)
    place, thing = random_.choice(PLACES), random_.choice(THINGS)
    feeling, sentiment = random_.choice(FEELINGS)
    text = (
        f"{name} went to the {place} early in the morning. It was number {number} on the list of quiet days. "
        f"{name} was looking for a {thing}, because {friend} had lost it there. Behind the door stood an old box, "
        f'and in the box lay the {thing}. "I knew it," said {friend}. In the evening {name} was {feeling}.'
    )
    return text, {
        "name": name,
        "friend": friend,
        "place": place,
        "thing": thing,
        "feeling": feeling,
        "label": sentiment,
    }


def fabricate(folder: Path, *, count: int = 400, without: tuple[str, ...] = (), name: str = "demo") -> Path:
    """Write a run folder. without: stage folders to leave out ("6_evaluate"). Returns the folder."""
    random_ = random.Random(7)
    raw, clean, dropped, facts = _documents(count, random_)
    write_bytes(folder / "recipe.toml", RECIPE.replace('"demo"', f'"{name}"').encode())
    planned = {"collect": 6, "clean": 12, "tokenizer": 9, "finetune.chat": 60, "evaluate": 20, "audit": 10}
    stages: dict[str, Any] = {stage: {"seconds": float(value)} for stage, value in planned.items()}
    stages["pretrain"] = {"seconds": 190.0, "steps": 600}
    write_json(folder / "plan.json", {"budget_seconds": 300, "parameters": 1_250_000, "stages": stages})
    makers = {
        "1_collect": lambda out: _collect(out, raw, facts),
        "2_clean": lambda out: _clean(out, clean, dropped),
        "3_tokenizer": lambda out: _tokenizer(out, clean),
        "4_pretrain": lambda out: _pretrain(out, clean, folder / "3_tokenizer"),
        "5_finetune/chat": lambda out: _finetune(out),
        "6_evaluate": lambda out: _evaluate(out, clean, facts),
        "7_audit": lambda out: _audit(out),
        "8_release": lambda out: write_bytes(out / "README.md", b"# demo\n"),
    }
    seconds = {"1_collect": 6.1, "2_clean": 11.8, "3_tokenizer": 9.4, "4_pretrain": 190.2, "5_finetune/chat": 61.0}
    inputs: dict[str, str] = {}
    for stage, make in makers.items():
        if stage in without:
            continue
        out = folder / stage
        out.mkdir(parents=True, exist_ok=True)
        counts = make(out) or {}
        manifest = Manifest(
            stage=stage.partition("_")[2].partition("/")[0],
            stage_version=1,
            key=f"{hash(stage) & 0xFFFFFFFF:064x}",
            recipe={},
            inputs=dict(inputs),
            outputs=hash_outputs(out),
            counts=counts,
            seconds=seconds.get(stage, 14.5),
            seed=1,
            versions=versions(),
            hardware=hardware(),
        )
        write_manifest(out, manifest)
        inputs[manifest.stage] = manifest.content
    write_events(folder)
    return folder


def write_events(folder: Path, *, steps: int = 600) -> None:
    """events.jsonl as the console writes it."""
    rows: list[dict[str, Any]] = []
    for stage in ("collect", "clean", "tokenizer"):
        rows.append({"kind": "stage", "stage": stage, "state": "started"})
        rows.append({"kind": "stage", "stage": stage, "state": "done", "seconds": 9.1, "counts": {}})
    rows.append({"kind": "stage", "stage": "pretrain", "state": "started"})
    rows += [{"kind": _kind(row), **row} for row in curve(steps)]
    rows += [{"kind": "sample", **row} for row in SAMPLES]
    rows.append({"kind": "stage", "stage": "pretrain", "state": "done", "seconds": 190.2, "counts": {}})
    with open(folder / "events.jsonl", "w", encoding="utf-8") as file:
        for number, row in enumerate(rows):
            file.write(json.dumps({"time": 1_790_000_000 + number / 4, **row}) + "\n")


def curve(steps: int = 600) -> list[dict[str, Any]]:
    """Metrics of a training run that learns: a falling noisy loss, a validation every 60 steps."""
    random_ = random.Random(3)
    rows: list[dict[str, Any]] = []
    for step in range(1, steps + 1, 2):
        loss = 1.55 + 6.0 * math.exp(-step / 45) + 0.9 * math.exp(-step / 260) + random_.gauss(0, 0.06)
        rows.append(
            {"step": step, "loss": round(loss, 4), "learning_rate": 0.003, "grad_norm": 0.8, "seconds": step * 0.31}
            | {"tokens_per_second": 13_100.0, "tokens": step * 4096}
        )
        if step % 60 == 1:
            bits = (loss - 0.02) / 2.5
            rows.append(
                {"step": step, "loss": 9.9, "bits_per_byte": round(bits, 4), "by_source": {"stories": round(bits, 4)}}
            )
    return rows


SAMPLES = [
    {"step": 1, "prompt": "Mira went to", "text": " orSt thqu kite.e lo0 w nin the the an\ufffd y"},
    {"step": 120, "prompt": "Mira went to", "text": " the the box. Tom was the looking was a kite the in morning"},
    {"step": 300, "prompt": "Mira went to", "text": " the market early in the morning. Mira was for a map, lost it."},
    {
        "step": 600,
        "prompt": "Mira went to",
        "text": " the old mill early in the morning. Mira was looking for a violin.",
    },
]


def _kind(row: dict[str, Any]) -> str:
    return "validation" if "bits_per_byte" in row else "step"


def _documents(
    count: int, random_: random.Random
) -> tuple[list[Document], list[Document], list[Dropped], dict[str, Any]]:
    raw, clean, dropped, facts = [], [], [], {}
    for number in range(count):
        text, known = story(number, random_)
        document = Document(text, "stories", f"story {number}", "CC0-1.0", "en")
        facts[document.id] = known
        dirty = text
        if number % 7 == 0:
            dirty = f"{text}\n{BOILERPLATE}"
        if number % 11 == 0:
            dirty = dirty.replace('"', "\u00e2\u20ac\u0153") + f" Write to {known['name'].lower()}@example.org."
        raw.append(document.with_text(dirty))
        if number % 10 == 9:
            dropped.append(Dropped(document, "duplicates", "near_duplicate", f"0.93 like story {number - 1}"))
        elif number % 23 == 5:
            dropped.append(
                Dropped(document.with_text("1 2 3 4 5 ##"), "quality", "too_few_letters", "letters 0.12 < 0.60")
            )
        elif number % 31 == 4:
            dropped.append(Dropped(document.with_text("Es war einmal."), "language", "other_language", "de 0.98"))
        else:
            masked = text + (" Write to [EMAIL]." if number % 11 == 0 else "")
            clean.append(document.with_text(masked))
    return raw, clean, dropped, facts


def _collect(out: Path, raw: list[Document], facts: dict[str, Any]) -> dict[str, Any]:
    write_documents(out / "documents" / "stories-00000.parquet", raw)
    examples = [
        Example(
            "qa",
            document.id,
            question=f"Where did {facts[document.id]['name']} go?",
            target=facts[document.id]["place"],
        )
        for document in raw
    ]
    write_examples(out / "examples" / "stories" / "answers.jsonl.zst", examples)
    return {"documents": len(raw), "bytes": sum(len(document.text.encode()) for document in raw)}


def _clean(out: Path, clean: list[Document], dropped: list[Dropped]) -> dict[str, Any]:
    write_documents(out / "documents" / "stories-00000.parquet", clean)
    write_documents(out / "dropped" / "stories-00000.parquet", dropped)
    samples = {
        "mojibake": [{"id": "1", "path": "story 0", "before": "\u00e2\u20ac\u0153Hi", "after": '"Hi', "detail": ""}]
    }
    statement = Statement()
    for document in clean:
        statement.add(replace(document, licence="CC0-1.0"))
    figures = statement.figures(len(clean) + len(dropped), {})
    write_json(
        out / "clean.json",
        {"statement": figures, "steps": [{"step": "text", "changed": 37, "dropped": {}, "samples": samples}]},
    )
    return {"documents": len(clean), "dropped": len(dropped)}


def _tokenizer(out: Path, clean: list[Document]) -> dict[str, Any]:
    from groundup.tokenizer import Tokenizer
    from groundup.tokenizer.shards import ShardWriter, TokenShards
    from groundup.trace.index import build

    tokenizer = Tokenizer.train([document.text for document in clean], kind="bpe", vocabulary_size=400)
    tokenizer.save(out / "tokenizer")
    start = tokenizer.special["<|endoftext|>"]
    with ShardWriter(out / "tokens", vocabulary_size=tokenizer.vocabulary_size, start_id=start) as shards:
        for document in clean:
            origin = {"source": document.source, "path": document.path, "licence": document.licence, "language": "en"}
            ids = tokenizer.encode(document.text)
            size = len(document.text.encode())
            shards.add(split_of(document.id), ids, num_bytes=size, id=document.id, **origin)
    train = TokenShards.open(out / "tokens", "train")
    build(train.tokens, out / "trace")
    bytes_per_token = round(train.num_bytes / train.num_tokens, 3)
    facts = {"kind": "bpe", "vocabulary_size": tokenizer.vocabulary_size, "bytes_per_token": bytes_per_token}
    write_json(out / "facts.json", facts)
    return {"vocabulary_size": tokenizer.vocabulary_size, "train_tokens": train.num_tokens}


def journey_document(clean: list[Document]) -> Document:
    """A held-out document whose raw text was dirty, so that every step of the journey shows something."""
    held_out = [document for document in clean if split_of(document.id) != "train"]
    return next((document for document in held_out if "[EMAIL]" in document.text), held_out[0])


def _pretrain(out: Path, clean: list[Document], tokenizer_folder: Path) -> dict[str, Any]:
    with open(out / "metrics.jsonl", "w", encoding="utf-8") as file:
        file.writelines(json.dumps({"kind": _kind(row), **row}) + "\n" for row in curve())
    with open(out / "samples.jsonl", "w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in SAMPLES)
    if (tokenizer_folder / "tokenizer" / "tokenizer.json").is_file():
        from groundup.tokenizer import Tokenizer

        tokenizer = Tokenizer.load(tokenizer_folder / "tokenizer")
        document = journey_document(clean)
        ids = tokenizer.encode(document.text)
        random_ = random.Random(1)
        tokens = [tokenizer.special["<|endoftext|>"], *ids]
        first = [round(6.4 + random_.gauss(0, 0.4), 3) for _ in ids]
        last = [round(min(6.0, random_.expovariate(1.1)), 3) for _ in ids]
        journey = {"document_id": document.id, "tokens": tokens, "losses_first": first, "losses_last": last}
        write_json(out / "journey.json", {"documents": [journey]})
    write_json(out / "model" / "config.json", {"model_type": "qwen3", "hidden_size": 128, "num_hidden_layers": 4})
    return {"steps": 600, "tokens": 2_457_600, "parameters": 1_250_000}


def _finetune(out: Path) -> dict[str, Any]:
    write_json(out / "model" / "config.json", {"model_type": "qwen3", "hidden_size": 128, "num_hidden_layers": 4})
    write_json(out / "examples.json", {"stories:answers": 700, "samples:small_talk": 300})
    with open(out / "metrics.jsonl", "w", encoding="utf-8") as file:
        file.writelines(json.dumps({"kind": _kind(row), **row}) + "\n" for row in curve(160))
        file.writelines(f'{{"kind": "validation", "step": {step}, "answer_loss": {90 / step}}}\n' for step in (80, 160))
    return {"examples": 1000, "steps": 160}


def _evaluate(out: Path, clean: list[Document], facts: dict[str, Any]) -> dict[str, Any]:
    write_scores(
        out / "scores.json",
        [
            Score("stories_answers", "exact_match", 0.72, 0.68, 0.76, 500, 0.02, 0.21, "question only"),
            Score("stories_sentiment", "accuracy", 0.93, 0.91, 0.95, 500, 0.5, 0.71, "bag of words"),
            Score("stories_summaries", "rouge_l", 0.61, 0.58, 0.63, 200, None, 0.42, "lead-1"),
            Score("small_talk", "sensible", 0.94, 0.84, 0.98, 50, None, None),
            Score("pronouns", "accuracy", 0.52, 0.44, 0.60, 160, 0.5, 0.5, "coin"),
            Score("bits_per_byte", "bits_per_byte", 0.71, 0.69, 0.73, 28, 8.0, 2.1, "unigram", higher_is_better=False),
        ],
    )
    import zstandard

    items = []
    for document in clean:
        if split_of(document.id) == "train":
            continue
        known = facts[document.id]
        gold = known["place"]
        answer = gold if len(items) % 4 else "market"
        items.append(
            {
                "id": document.id[:16],
                "document_id": document.id,
                "source": "stories",
                "prompt": f"<|user|>{document.text}\nWhere did {known['name']} go?",
            }
            | {"answer": answer, "gold": gold, "choices": [], "marks": {"exact_match": float(answer == gold)}}
        )
    text = "".join(json.dumps(item) + "\n" for item in items)
    write_bytes(out / "items" / "stories_answers.jsonl.zst", zstandard.compress(text.encode()))
    return {"tasks": 6}


def _audit(out: Path) -> dict[str, Any]:
    gap = {"name": "pronoun_gap", "measure": "difference", "value": 0.04, "low": 0.01, "high": 0.08, "n": 160}
    secret = {"name": "secret_exposure_bits", "measure": "bits", "value": 6.2, "low": 4.1, "high": 8.0, "n": 20}
    findings = [
        {**gap, "protocol": "", "summary": "He and she are near.", "limit": 0.10, "passed": True},
        {**secret, "protocol": "", "summary": "One secret ranks far above chance.", "limit": 5.0, "passed": False},
        {
            "name": "myths",
            "measure": "share",
            "value": None,
            "low": None,
            "high": None,
            "n": 0,
            "limit": None,
            "passed": None,
        },
    ]
    write_json(out / "findings.json", findings)
    write_json(out / "gate.json", {"passed": False, "broken": ["secret_exposure_bits"], "waiver": ""})
    return {"findings": 2}


def write_model(folder: Path, tokenizer_folder: Path) -> Path:
    """A real model folder, tiny and untrained: it opens and answers, in words without sense."""
    from groundup.model import build
    from groundup.model.bundle import save
    from groundup.model.options import ModelOptions
    from groundup.model.presets import resolve
    from groundup.tokenizer import Tokenizer

    tokenizer = Tokenizer.load(tokenizer_folder)
    options = ModelOptions(depth=1, width=32, num_heads=2, context_length=128)
    save(folder, build(resolve(options, tokenizer.vocabulary_size), seed=1), tokenizer)
    return folder


if __name__ == "__main__":
    import sys

    print(fabricate(Path(sys.argv[1])))
