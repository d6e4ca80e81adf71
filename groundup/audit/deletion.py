"""Delete documents from a trained model: train again from the last checkpoint that had not seen them, and certify it.

The documents' tokens are overwritten in a copy of the training tokens (by <|endoftext|>, so that borders and packing stay
as they were) and the trace index is made anew. Which step read a document first follows from the packing; training goes
on from the newest checkpoint before it, over the new tokens. Since everything up to there was the same, the weights are bit
for bit those of a training that never saw the documents, on the same machine (a slow test proves it).

    output/3_tokenizer     tokens and index without the documents; the tokenizer itself as it was
    output/4_pretrain      the base model trained again; what was tuned from the old one must be tuned again
    output/deletion.json   the certificate: what was deleted, from where training went on, what is left to be found

What stays: the tokenizer's vocabulary, which counted the documents' words too, and everything that other documents say. How
much of a document still stands elsewhere is told (trace.absence).
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from groundup.core.errors import DataError
from groundup.core.files import read_json, sha256_of, write_bytes, write_json
from groundup.core.stage import Context
from groundup.pretrain.batches import PackedBatches
from groundup.pretrain.options import PretrainStage
from groundup.train.saving import CHECKPOINTS

CERTIFICATE = "deletion.json"


def delete(
    document_ids: Sequence[str],
    options: PretrainStage,
    inputs: Mapping[str, Path],
    trained: Path,
    output: Path,
    context: Context,
) -> dict[str, Any]:
    """Train again without these documents; returns the certificate.

    options, inputs (`tokenizer`, ...), context: as the first pretraining had them; trained: its folder. DataError for a
    document that is not among the training tokens.
    """
    from groundup.pretrain.stage import run
    from groundup.tokenizer.shards import TokenShards
    from groundup.trace.absence import absence
    from groundup.trace.index import SuffixIndex

    shards = TokenShards.open(inputs["tokenizer"] / "tokens", "train")
    numbers = numbers_of(shards, document_ids)
    erased = [shards.tokens[shards.borders[d] + 1 : shards.borders[d + 1]].tolist() for d in numbers]
    tokenizer = output / "3_tokenizer"
    erase(inputs["tokenizer"], tokenizer, shards, numbers)
    settings = _settings(trained, options, context)
    first = first_step(shards, numbers, context.seed, **settings)
    started = begin_before(first, trained, output / "4_pretrain")
    context.console.note(f"  first read in step {first}; training goes on from step {started}")
    run(options, {**inputs, "tokenizer": tokenizer}, output / "4_pretrain", context)
    index = SuffixIndex.open(tokenizer / "trace", TokenShards.open(tokenizer / "tokens", "train").tokens)
    certificate = {
        "format": 1,
        "documents": [asdict(absence(index, ids)) for ids in erased if ids],
        "tokens_before": sha256_of(inputs["tokenizer"] / "tokens" / "train.bin"),
        "tokens_after": sha256_of(tokenizer / "tokens" / "train.bin"),
        "first_read_in_step": first,
        "trained_again_from_step": started,
        "weights_before": sha256_of(trained / "model" / "model.safetensors"),
        "weights_after": sha256_of(output / "4_pretrain" / "model" / "model.safetensors"),
    }
    write_json(output / CERTIFICATE, certificate)
    return certificate


def numbers_of(shards: Any, document_ids: Sequence[str]) -> list[int]:
    """The places of these documents among the training documents."""
    places = {one: place for place, one in enumerate(shards.document_ids)}
    missing = [one for one in document_ids if one not in places]
    if missing or not document_ids:
        raise DataError(
            f"{missing[0] if missing else 'No document'} is not among the training documents.",
            repair="Find a document's id with: groundup explain MODEL --sources --text '...' --json",
        )
    return sorted({places[one] for one in document_ids})


def erase(source: Path, target: Path, shards: Any, numbers: Sequence[int]) -> None:
    """Copy a tokenizer's folder with these documents overwritten, and index the tokens anew."""
    from groundup.trace.index import build

    shutil.copytree(source, target, ignore=shutil.ignore_patterns("trace", "manifest.json"), dirs_exist_ok=True)
    tokens = np.array(shards.tokens)
    for number in numbers:
        tokens[shards.borders[number] : shards.borders[number + 1]] = shards.start_id
    write_bytes(target / "tokens" / "train.bin", tokens.tobytes())
    build(tokens, target / "trace")


def first_step(
    shards: Any, numbers: Sequence[int], seed: int, *, batch_size: int, accumulate: int, context_length: int, steps: int
) -> int:
    """The step that reads a token of these documents first; steps + 1 where none does."""
    batches = PackedBatches(shards, batch_size=batch_size, context_length=context_length, seed=seed)
    ranges = [(int(shards.borders[d]), int(shards.borders[d + 1])) for d in numbers]
    for step in range(1, steps + 1):
        for _ in range(accumulate):
            pieces = [piece for row in batches.next_rows() for piece in row]
            if any(start < high and low < end for start, end in pieces for low, high in ranges):
                return step
    return steps + 1


def begin_before(first: int, trained: Path, output: Path) -> int:
    """Copy the newest checkpoint that had not read step `first`, and the logs beside it; 0 where training starts over."""
    folders = sorted((trained / CHECKPOINTS).glob("step-*"))
    clean = [folder for folder in folders if int(folder.name.removeprefix("step-")) < first]
    output.mkdir(parents=True, exist_ok=True)
    for name in ("metrics.jsonl", "journey.json", "samples.jsonl"):
        if (trained / name).is_file():
            shutil.copyfile(trained / name, output / name)
    if not clean:
        (output / "metrics.jsonl").unlink(missing_ok=True)
        return 0
    shutil.copytree(clean[-1], output / CHECKPOINTS / clean[-1].name, dirs_exist_ok=True)
    return int(clean[-1].name.removeprefix("step-"))


def _settings(trained: Path, options: PretrainStage, context: Context) -> dict[str, int]:
    """What the packing depends on, as the first training settled it."""
    plan = read_json(trained / "model_plan.json")
    table = options.pretrain
    if table.dp or table.replay or plan["config"]["family"] != "gpt":
        raise DataError(
            "Deletion follows the order of causal pretraining on packed documents; this training had another."
        )
    planned = context.plan.get("batch_size") if "batch_size" not in table.model_fields_set else None
    return {
        "batch_size": int(planned or table.batch_size),
        "accumulate": table.accumulate,
        "context_length": int(plan["config"]["context_length"]),
        "steps": int(plan["steps"]),
    }
