"""groundup show THING"""

from __future__ import annotations

import argparse
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from groundup.cli.output import columns, show
from groundup.core.console import clock

if TYPE_CHECKING:
    from groundup.core.document import Dropped

PAGE = 10  # documents

HELP = """Show a run, a model, a corpus or a tokenizer: state, scores, what was dropped.

  groundup show demo                         stages, scores, findings
  groundup show demo --dropped               what cleaning took out, by reason
  groundup show demo --dropped duplicates    the documents dropped by a step or for a reason, a page at a time
  groundup show demo --dropped repetition --page 2
  groundup show MODEL --text "any text"      the text as tokens
  groundup show THING --tokenizer            what the tokenizer does: bytes per token, words cut up, tokens never used
  groundup show THING --tokenizer FILE ...   the same, measured on files of yours"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("thing", metavar="THING", help="a run name, a run folder or a model folder")
    parser.add_argument("--dropped", nargs="?", const="", metavar="REASON", help="what cleaning took out")
    parser.add_argument("--page", type=int, default=1, help="page of --dropped REASON, ten documents each")
    parser.add_argument("--text", help="show this text as tokens")
    parser.add_argument(
        "--tokenizer",
        nargs="*",
        metavar="FILE",
        help="measure the tokenizer, on these text files or the run's documents",
    )


def run(options: argparse.Namespace) -> int:
    from groundup.core.errors import UsageError
    from groundup.pipeline import find_model, run_folder_of

    if options.tokenizer is not None:
        return _tokenizer(options)
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
    from groundup.core.errors import UsageError, near
    from groundup.core.files import read_json

    clean = folder / "2_clean"
    if not (clean / "clean.json").is_file():
        raise UsageError(f"{options.thing} was not cleaned yet.", repair=f"Run: groundup run {options.thing} clean")
    by_step = {step["step"]: step["dropped"] for step in read_json(clean / "clean.json")["steps"] if step["dropped"]}
    if not options.dropped:
        rows = [[step, reason, f"{count:,}"] for step, dropped in by_step.items() for reason, count in dropped.items()]
        show(options, by_step, columns(rows, head=["step", "reason", "documents"]) if rows else "nothing was dropped")
        return 0
    reasons = [(step, reason) for step, dropped in by_step.items() for reason in dropped]
    chosen = {kind for kind in reasons if options.dropped in _names(*kind)}
    if not chosen:
        known = sorted({name for kind in reasons for name in _names(*kind)})
        raise UsageError(f"Nothing was dropped for '{options.dropped}'.", repair=near(options.dropped, known))
    total = sum(by_step[step][reason] for step, reason in chosen)
    pages = -(-total // PAGE)
    if not 1 <= options.page <= pages:
        raise UsageError(f"There is no page {options.page}: '{options.dropped}' has {pages}.")
    found = (item for item in read_dropped(clean / "dropped") if (item.step, item.reason) in chosen)
    page = list(islice(found, (options.page - 1) * PAGE, options.page * PAGE))
    after = options.page + 1
    command = f"groundup show {options.thing} --dropped {options.dropped} --page {after}"
    footer = f"page {options.page} of {pages}, {total:,} documents" + (f"; next: {command}" if after <= pages else "")
    show(options, [_as_plain(item) for item in page], "\n".join([*map(_told, page), footer]))
    return 0


def _names(step: str, reason: str) -> tuple[str, ...]:
    """What a person may call a reason: "quality", "repetition", "repetition.top_ngram", "top_ngram"."""
    rule, _, name = reason.rpartition(".")
    return tuple(filter(None, (step, reason, rule, name)))


def _told(item: Dropped) -> str:
    text = " ".join(item.document.text.split())
    return (
        f"{item.document.source}: {item.document.path}\n  {item.step}, {item.reason}: {item.detail}\n"
        f"  {text[:300]}{' ...' if len(text) > 300 else ''}\n"
    )


def _as_plain(item: Dropped) -> dict[str, str]:
    document = item.document
    return {
        "id": document.id,
        "source": document.source,
        "path": document.path,
        "step": item.step,
        "reason": item.reason,
        "detail": item.detail,
        "text": document.text[:1000],
    }


def _tokens(options: argparse.Namespace, folder: Path) -> int:
    from groundup.tokenizer import Tokenizer

    tokenizer = Tokenizer.load(folder)
    ids = tokenizer.encode(options.text)
    rows = [[index, tokenizer.token_bytes(index).decode("utf-8", "backslashreplace")] for index in ids]
    size = len(options.text.encode("utf-8"))
    text = columns(rows, head=["id", "token"]) + f"\n\n{len(ids)} tokens, {size / max(1, len(ids)):.2f} bytes each"
    show(options, {"ids": ids, "tokens": [row[1] for row in rows]}, text)
    return 0


def _tokenizer(options: argparse.Namespace) -> int:
    """A run (its tokenizer, its documents), a model or tokenizer folder, a .tiktoken or sentencepiece .model file."""
    import numpy as np

    from groundup.core.document import read_documents
    from groundup.core.errors import UsageError
    from groundup.pipeline import find_model, run_folder_of
    from groundup.tokenizer import Tokenizer
    from groundup.tokenizer.look import as_text, look

    place, folder, counts = Path(options.thing), run_folder_of(options.thing), None
    if place.is_file() or (place / "tokenizer.json").is_file():
        tokenizer, folder = Tokenizer.load(place), None
    elif folder is not None and (folder / "3_tokenizer" / "tokenizer").is_dir():
        tokenizer = Tokenizer.load(folder / "3_tokenizer" / "tokenizer")
    else:
        tokenizer, folder = Tokenizer.load(find_model(options.thing)), None
    if options.tokenizer:
        texts = [(Path(name).read_text(encoding="utf-8", errors="replace"), "", name) for name in options.tokenizer]
    elif folder is not None:
        from groundup.tokenizer.shards import TokenShards

        documents = islice(read_documents(folder / "2_clean" / "documents"), 2000)
        texts = [(item.text[:20_000], item.language, item.source) for item in documents]
        tokens = TokenShards.open(folder / "3_tokenizer" / "tokens", "train").tokens
        counts = np.bincount(tokens, minlength=tokenizer.vocabulary_size)
    else:
        raise UsageError(
            f"{options.thing} is no run with documents to measure its tokenizer on.",
            repair=f"Name text files: groundup show {options.thing} --tokenizer FILE ...",
        )
    facts = look(tokenizer, texts, counts)
    show(options, facts, as_text(facts))
    return 0
