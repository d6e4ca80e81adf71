"""groundup explain MODEL"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from groundup.cli.output import show
from groundup.core.errors import UsageError

HELP = """Why does the model say what it says?

  groundup explain demo --prompt "Who are you?"                which words, which layer, which documents: writes why.html
  groundup explain demo --prompt "..." --contrast "..."        why its answer and not this one
  groundup explain BERT --prompt "A fox is an [MASK]."         encoders, encoder-decoders and classifiers: which words
  groundup explain demo --sources --text "..."                 where a text stands word for word in the training text
  groundup explain demo --sources --prompt "Who are you?"      asks the model, then finds its answer there"""

LENS_TOKENS = 200_000  # of the training text: 200 steps of 8 x 128 see each about once


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("--sources", action="store_true", help="only which training documents, in the terminal")
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--text", help="a text to find in the training text (with --sources)")
    group.add_argument("--prompt", help="what the user says; its answer is explained")
    parser.add_argument("--target", help="explain this answer instead of the model's own")
    parser.add_argument("--contrast", help="explain why not this answer")
    parser.add_argument(
        "--tuned-lens", action="store_true", help="read the layers through maps trained on the run's tokens"
    )
    parser.add_argument("--min-length", type=int, default=6, help="shortest span found, in tokens")
    parser.add_argument("--out", type=Path, default=Path("why.html"), help="the page (why.html)")


def run(options: argparse.Namespace) -> int:
    if options.sources and (options.target or options.contrast):
        raise UsageError("--target and --contrast have no use with --sources.", repair="Leave --sources out.")
    if options.text is not None and not options.sources:
        raise UsageError("--text is looked up in the training text.", repair="Add --sources, or give --prompt.")
    return _sources(options) if options.sources else _page(options)


def _sources(options: argparse.Namespace) -> int:
    from groundup.api import load

    model = load(options.model)
    text = options.text if options.text is not None else model.chat(options.prompt)
    spans = model.explain(text, min_length=options.min_length)
    lines = [f"answer: {text}", ""] if options.prompt else []
    for span in spans:
        times = "once" if span.count == 1 else f"{span.count:,} times"
        lines.append(f'"{span.text.strip()}"  stands {times} in the training text')
        for document in span.documents[:3]:
            licence = f", {document.licence}" if document.licence else ""
            lines.append(f"    {document.source}: {document.path}{licence}")
    if not spans:
        lines.append(f"No span of {options.min_length} or more tokens of this stands in the training text.")
    show(options, {"text": text, "spans": [asdict(span) for span in spans]}, "\n".join(lines))
    return 0


def _page(options: argparse.Namespace) -> int:
    from groundup.audit.explain_page import write_page

    explanation = _explanation(options)
    write_page(explanation, options.out)
    top = explanation.top_words()
    lines = [
        f"answer: {explanation.target.strip()}  (probability {explanation.probability:.2g})",
        "words:  " + ", ".join(f"{word} {score:+.2f}" for word, score in top) + f"  ({explanation.best_method})",
        f"layer:  decided at {explanation.decided_at}" if explanation.decided_at is not None else "layer:  never sure",
        *explanation.notes,
        f"page:   {options.out}",
    ]
    value = {
        "answer": explanation.target,
        "probability": explanation.probability,
        "method": explanation.best_method,
        "words": [{"word": word, "score": score} for word, score in top],
        "decided_at": explanation.decided_at,
        "notes": explanation.notes,
        "sources": [asdict(span) for span in explanation.sources],
        "page": str(options.out),
    }
    show(options, value, "\n".join(lines))
    return 0


def _explanation(options: argparse.Namespace) -> Any:
    from groundup.api import load
    from groundup.audit.explain import explain
    from groundup.generate.purpose import kind_of
    from groundup.model.bundle import load as open_bundle
    from groundup.model.bundle import load_config
    from groundup.pipeline import find_model

    folder = find_model(options.model)
    if kind_of(folder) == "classify" or load_config(folder).family in ("bert", "encoder_decoder"):
        if options.tuned_lens:
            raise UsageError("--tuned-lens reads the layers of models that go on a text.")
        return explain(open_bundle(folder), options.prompt, options.target, contrast=options.contrast)
    model = load(options.model)
    answer = model.chat(options.prompt, temperature=0.0) if options.target is None else options.target
    # Documents need the run that made the model; without one the page says what words and layers tell.
    spans: list[Any] = model.explain(answer, min_length=options.min_length) if model.run_folder is not None else []
    lens = _lens(model) if options.tuned_lens else None
    return explain(
        model.engine, options.prompt, options.target, contrast=options.contrast, chat=True, sources=spans, lens=lens
    )


def _lens(model: Any) -> Any:
    """A tuned lens, trained on documents of the run's training text."""
    from groundup.audit.tuned_lens import train_lens
    from groundup.tokenizer.shards import TokenShards

    if model.run_folder is None:
        raise UsageError("--tuned-lens needs the run that made the model: its maps are trained on the run's tokens.")
    shards = TokenShards.open(model.run_folder / "3_tokenizer" / "tokens", "train")
    return train_lens(model.engine.model, [shards.tokens[:LENS_TOKENS].tolist()])
