"""groundup show THING"""

from __future__ import annotations

import argparse
from itertools import islice
from pathlib import Path

from groundup.cli.output import columns, show
from groundup.core.console import clock

HELP = """Show a run, a model, a corpus or a tokenizer: state, scores, what was dropped.

  groundup show demo                         stages, scores, findings
  groundup show demo --dropped               what cleaning took out, by reason
  groundup show demo --dropped duplicates    the documents dropped for a reason or step, a page at a time
  groundup show MODEL --text "any text"      the text as tokens"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("thing", metavar="THING", help="a run name, a run folder or a model folder")
    parser.add_argument("--dropped", nargs="?", const="", metavar="REASON", help="what cleaning took out")
    parser.add_argument("--page", type=int, default=1, help="page of --dropped REASON, ten documents each")
    parser.add_argument("--text", help="show this text as tokens")


def run(options: argparse.Namespace) -> int:
    from groundup.core.errors import UsageError
    from groundup.pipeline import find_model, run_folder_of

    if options.text is not None:
        return _tokens(options, find_model(options.thing))
    folder = run_folder_of(options.thing)
    if options.dropped is not None:
        if folder is None:
            raise UsageError(f"{options.thing} is not a run, so nothing was dropped in it.")
        return _dropped(options, folder)
    return _run(options, folder) if folder else _model(options, find_model(options.thing))


def _run(options: argparse.Namespace, folder: Path) -> int:
    from groundup.core.manifest import has_manifest, read_manifest
    from groundup.core.score import read_scores
    from groundup.pipeline import summary
    from groundup.stages import STAGES

    rows, value = [], {}
    for stage in STAGES:
        place = folder / stage.folder
        places = sorted(item for item in place.glob("*") if item.is_dir()) if stage.name == "finetune" else [place]
        for each in places or [place]:
            name = stage.name if each == place else f"finetune {each.name}"
            if has_manifest(each):
                manifest = read_manifest(each)
                value[name] = {"state": "made", "seconds": manifest.seconds, "counts": manifest.counts}
                rows.append([name, "made", clock(manifest.seconds), summary(manifest)])
            else:
                state = "unfinished" if each.exists() else "not made"
                value[name] = {"state": state}
                rows.append([name, state, "", ""])
    text = columns(rows)
    scores = folder / "6_evaluate" / "scores.json"
    if scores.is_file():
        from groundup.evaluate.table import table

        value["scores"] = [score.__dict__ for score in read_scores(scores)]  # type: ignore[assignment]
        text += "\n\n" + table(read_scores(scores))
    show(options, value, text)
    return 0


def _model(options: argparse.Namespace, folder: Path) -> int:
    from groundup.core.files import read_json

    config = read_json(folder / "config.json")
    wanted = (
        "model_type",
        "num_hidden_layers",
        "hidden_size",
        "num_attention_heads",
        "num_key_value_heads",
        "intermediate_size",
        "vocab_size",
        "max_position_embeddings",
    )
    rows = [[name, config[name]] for name in wanted if name in config]
    show(options, config, columns(rows))
    return 0


def _dropped(options: argparse.Namespace, folder: Path) -> int:
    from groundup.core.document import read_dropped
    from groundup.core.files import read_json

    clean = folder / "2_clean"
    if not options.dropped:
        steps = read_json(clean / "clean.json")["steps"]
        rows = [[step["step"], reason, f"{count:,}"] for step in steps for reason, count in step["dropped"].items()]
        by_step = {step["step"]: step["dropped"] for step in steps if step["dropped"]}
        show(options, by_step, columns(rows, head=["step", "reason", "documents"]) if rows else "nothing was dropped")
        return 0
    chosen = (item for item in read_dropped(clean / "dropped") if options.dropped in (item.reason, item.step))
    page = list(islice(chosen, (options.page - 1) * 10, options.page * 10))
    lines = []
    for item in page:
        text = " ".join(item.document.text.split())
        lines.append(
            f"{item.document.source}: {item.document.path}\n  {item.step}, {item.reason}: {item.detail}\n"
            f"  {text[:300]}{' ...' if len(text) > 300 else ''}\n"
        )
    value = [
        {
            "id": item.document.id,
            "source": item.document.source,
            "path": item.document.path,
            "step": item.step,
            "reason": item.reason,
            "detail": item.detail,
            "text": item.document.text[:1000],
        }
        for item in page
    ]
    show(options, value, "\n".join(lines) or f"nothing (more) was dropped for '{options.dropped}'")
    return 0


def _tokens(options: argparse.Namespace, folder: Path) -> int:
    from groundup.tokenizer import Tokenizer

    tokenizer = Tokenizer.load(folder)
    ids = tokenizer.encode(options.text)
    rows = [[index, tokenizer.token_bytes(index).decode("utf-8", "backslashreplace")] for index in ids]
    size = len(options.text.encode("utf-8"))
    text = columns(rows, head=["id", "token"]) + f"\n\n{len(ids)} tokens, {size / max(1, len(ids)):.2f} bytes each"
    show(options, {"ids": ids, "tokens": [row[1] for row in rows]}, text)
    return 0
