"""groundup generate MODEL"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from groundup.cli.output import add_seed, columns, console_of, show
from groundup.core.errors import UsageError

HELP = """Continue a prompt (from --prompt or standard input) and print the text, or hold it to a form:

  groundup generate demo --prompt "Once"                 continue
  groundup generate demo --prompt "Mira is" --choice happy --choice sad
  groundup generate demo --prompt "A person:" --schema person.json
  groundup generate demo --prompt "He went" --suffix "and came home."     fill the gap between
  groundup generate BERT --fill "A fox is an [MASK]."     encoders: the likeliest words
  groundup generate T5 --source "A text." --beams 4       encoder-decoders: write from a source
  groundup generate CLASSIFIER --text "A lovely film."    what a tuned model makes of a text: label, tags, reward
  groundup generate READER --text "..." --question "Who?" the answer that stands in the text
  groundup generate MODEL --text "A" --text "B"           how alike texts are, by the model's vectors"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("--prompt", help="the text to continue (default: standard input)")
    parser.add_argument("--max-tokens", type=int, default=128)
    parser.add_argument("--temperature", type=float, default=0.8, help="0 is always the likeliest word")
    parser.add_argument("--top-k", type=int, default=0, help="sample among the k likeliest (0: all)")
    parser.add_argument("--top-p", type=float, default=1.0, help="sample among the likeliest that make up this share")
    parser.add_argument(
        "--min-p", type=float, default=0.0, help="at least this share of the likeliest one's probability"
    )
    parser.add_argument("--stop", action="append", default=[], help="end before this text (repeat for more)")
    parser.add_argument("--n", type=int, default=1, help="so many answers")
    parser.add_argument("--suffix", help="what stands behind the gap that is to be filled")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--schema", type=Path, metavar="FILE", help="JSON of this schema")
    form.add_argument("--regex", metavar="PATTERN", help="a text of this pattern")
    form.add_argument("--choice", action="append", metavar="TEXT", help="one of these texts (repeat)")
    parser.add_argument("--fill", metavar="TEXT", help="for encoders: fill each [MASK]")
    parser.add_argument("--source", metavar="TEXT", help="for encoder-decoders: the text to read")
    parser.add_argument("--text", action="append", metavar="TEXT", help="for tuned readers: what is read (repeat)")
    parser.add_argument("--question", default="", metavar="TEXT", help="with --text: what is asked of it")
    parser.add_argument("--beams", type=int, default=1, help="with --source: beam search (1: greedy)")
    parser.add_argument("--weights", choices=("fp32", "bf16", "int8", "int4"), default="fp32")
    parser.add_argument("--watermark", type=Path, metavar="FILE", help="mark the text by the key in this file")
    parser.add_argument("--guess", type=int, default=0, metavar="N", help="look up N tokens ahead in the text so far")
    parser.add_argument("--device", default="auto")
    add_seed(parser)


def run(options: argparse.Namespace) -> int:
    from groundup.generate.purpose import demand_writer
    from groundup.model.bundle import load
    from groundup.pipeline import find_model

    if options.beams != 1 and options.source is None:
        raise UsageError("--beams is for encoder-decoders.", repair="Name the text to read: --source TEXT.")
    if options.question and not options.text:
        raise UsageError("--question asks about a text.", repair="Name the text too: --text TEXT.")
    folder = find_model(options.model)
    if options.text:
        return _read(options, folder)
    if options.fill is not None or options.source is not None:
        return _read_and_write(options, load(folder, device=options.device))
    demand_writer(folder, "generate")
    form = _form(options)  # a schema that is none stops here
    bundle = load(folder, device=options.device)
    if bundle.tokenizer is None:
        raise UsageError(f"{folder} holds no tokenizer: it cannot read or write text.")
    return _continue(options, bundle, form)


def _continue(options: argparse.Namespace, bundle: Any, form: Any) -> int:
    from dataclasses import replace

    from groundup.generate.constrain import Constrainer
    from groundup.generate.engine import Engine
    from groundup.generate.flat import flatten
    from groundup.generate.sampling import Sampling

    if options.weights in ("int8", "int4"):
        from groundup.cli.precision import loss_of

        console_of(options).note(loss_of(options.model, options.weights))
    prompt = options.prompt if options.prompt is not None else sys.stdin.read().removesuffix("\n")
    engine = Engine(replace(bundle, model=flatten(bundle.model, options.weights)))
    sampling = Sampling(
        max_tokens=options.max_tokens,
        temperature=options.temperature,
        top_k=options.top_k,
        top_p=options.top_p,
        min_p=options.min_p,
        stop=tuple(options.stop),
        n=options.n,
        guess=options.guess,
        seed=options.seed,
        watermark=_watermark(options.watermark),
    )
    if options.suffix is not None:
        ids = engine.gap_prompt(prompt, options.suffix)
    else:
        start = engine.tokenizer.special.get("<|endoftext|>")
        ids = [*([] if start is None else [start]), *engine.tokenizer.encode(prompt)]
    allow = None if form is None else Constrainer(engine.tokenizer).allow
    made = engine.generate([ids], sampling, allow=None if allow is None else lambda _: allow(form))
    answers = [{"text": one.text, "finish": one.finish, "tokens": len(one.ids)} for one in made]
    lead = prompt if form is None and options.suffix is None else ""
    texts = [lead + one.text for one in made]
    value = {"prompt": prompt, **answers[0]} if len(answers) == 1 else {"prompt": prompt, "answers": answers}
    show(options, value, "\n\n".join(texts))
    return 0


def _watermark(path: Path | None) -> Any:
    """The mark of a key file (made when it does not exist), or None."""
    from groundup.audit.signature import open_key
    from groundup.generate.watermark import Watermark

    return None if path is None else Watermark(open_key(path, make=True))


def _form(options: argparse.Namespace) -> Any:
    """The `Form` that was asked for; None for free text."""
    from groundup.core.files import read_json
    from groundup.generate.constrain import Form

    if options.schema is not None:
        if not options.schema.is_file():
            raise UsageError(f"There is no file {options.schema}.", repair="--schema names a file of JSON.")
        return Form("json", read_json(options.schema))
    if options.regex is not None:
        return Form("regex", options.regex)
    return Form("choice", options.choice) if options.choice else None


def _read_and_write(options: argparse.Namespace, bundle: Any) -> int:
    from groundup.generate.other import fill, write

    if options.fill is not None:
        gaps = fill(bundle, options.fill)
        lines = ["  ".join(f"{word.strip()} {share:.0%}" for word, share in gap.words) for gap in gaps]
        gap_values = [[{"word": word, "probability": share} for word, share in gap.words] for gap in gaps]
        show(options, {"text": options.fill, "gaps": gap_values}, "\n".join(lines))
        return 0
    made = write(bundle, options.source, beams=options.beams, max_tokens=options.max_tokens)
    found = [{"text": text, "score": one.score, "ended": one.ended} for text, one in made]
    show(options, {"source": options.source, "written": found}, made[0][0])
    return 0


def _read(options: argparse.Namespace, folder: Path) -> int:
    """What a tuned reader makes of each text; the likeness of texts where the model has no head."""
    from groundup.finetune.read_model import in_words, open_reader

    reader = open_reader(folder, device=options.device)
    if reader is None:
        return _vectors(options, folder)
    found = [reader.read(text, question=options.question) for text in options.text]
    values = [{"text": text, **one} for text, one in zip(options.text, found, strict=True)]
    show(options, values[0] if len(values) == 1 else values, "\n".join(in_words(one) for one in found))
    return 0


def _vectors(options: argparse.Namespace, folder: Path) -> int:
    from groundup.finetune.embed import Embedder

    vectors_ND = Embedder.load(folder, device=options.device).embed(options.text)
    likeness_NN = vectors_ND @ vectors_ND.T
    rows = [
        [*(f"{value:.2f}" for value in row), text[:60]] for text, row in zip(options.text, likeness_NN, strict=True)
    ]
    value = {"texts": options.text, "likeness": likeness_NN.tolist(), "vectors": vectors_ND.tolist()}
    lead = f"vectors of {vectors_ND.shape[1]} numbers (--json prints them); their cosines:\n"
    show(options, value, lead + columns(rows))
    return 0
