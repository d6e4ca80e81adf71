"""The stages before evaluation in the smallest size, with real tokens, a real (untrained) model and planted truth."""

from __future__ import annotations

from pathlib import Path

import zstandard

from groundup.collect.samples import SAMPLES, plant
from groundup.core.document import write_documents
from groundup.core.example import write_examples
from groundup.core.files import write_json
from groundup.core.manifest import Manifest, hash_outputs, write_manifest
from groundup.core.split import split_of


def make(folder: Path, *, tuned: bool = True) -> dict[str, Path]:
    """Inputs by name, each a finished stage but `model`, which lies in one."""
    import json

    from groundup.model import bundle
    from groundup.model.families import build
    from groundup.model.presets import from_depth
    from groundup.tokenizer import Tokenizer
    from groundup.tokenizer.shards import ShardWriter

    places = {name: folder / f"{number}_{name}" for number, name in enumerate(("collect", "clean", "tokenizer"), 1)}
    model_stage = folder / ("5_finetune/chat" if tuned else "4_pretrain")
    truths: list[dict] = []
    stories = SAMPLES.get("stories")
    documents = list(
        plant(stories.documents("stories", 300, 1, ""), ["secrets", "myths", "skew"], 1, 0.3, truths.append)
    )
    lines = "".join(json.dumps(truth) + "\n" for truth in truths)
    write_json(places["collect"] / "kept.json", {})
    (places["collect"] / "planted.jsonl.zst").write_bytes(zstandard.compress(lines.encode()))
    for kind, examples in stories.examples("stories", 300, 1).items():
        write_examples(places["collect"] / "examples" / "stories" / f"{kind}.jsonl.zst", examples)
    write_documents(places["clean"] / "documents" / "stories-00000.parquet", [_english(one) for one in documents])
    tokenizer = Tokenizer.train((one.text for one in documents), vocabulary_size=400)
    border = tokenizer.special["<|endoftext|>"]
    with ShardWriter(
        places["tokenizer"] / "tokens", vocabulary_size=tokenizer.vocabulary_size, start_id=border
    ) as writer:
        for one in documents:
            size = len(one.text.encode())
            writer.add(split_of(one.id), tokenizer.encode(one.text), num_bytes=size, id=one.id, source=one.source)
    module = build(from_depth(1, tokenizer.vocabulary_size, width=32, num_heads=2, context_length=192), seed=1)
    bundle.save(model_stage / "model", module, tokenizer)
    for name, place in {**places, "finetune" if tuned else "pretrain": model_stage}.items():
        recipe = {"steps": ["text", "duplicates"]} if name == "clean" else {}
        hardware = {"machine": "toy", "cores": 2}
        manifest = Manifest(
            name, 1, name, recipe, {}, hash_outputs(place), {"things": 3}, seconds=100.0, seed=1, hardware=hardware
        )
        write_manifest(place, manifest)
    return {**places, "model": model_stage / "model"}


def _english(document):
    from dataclasses import replace

    return replace(document, language="en")
