"""Training a cross-encoder on documents of one's own: no judgement of relevance is needed.

python -m groundup.apps.search.learning TEXTS... --out FOLDER [--start FOLDER] [--squad FILE] [--steps 400]

Queries with a passage that answers them: the titles of the documents (taken out of the texts), and with --squad the
questions of SQuAD. The wrong passages of a query are those that search puts highest besides the right one: hard
negatives (Karpukhin et al. 2020). Loss: the right passage against its wrong ones (softmax cross-entropy). Titles of a
held-out fifth of the documents, chosen by a hash, are never learned from: they measure, and they weigh the score against
the ranking's in `rerank`. Stopped at any time, the same command goes on where it was.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from groundup.apps.search.app import Search
from groundup.apps.search.cross import ROW_TOKENS, CrossEncoder, batch_of, pair_of, scores_of
from groundup.apps.search.dense import minilm_folder
from groundup.apps.search.reading import documents_of
from groundup.apps.search.rerank import DEPTH, FACTS, joined
from groundup.core.document import Document
from groundup.core.errors import DataError
from groundup.core.files import write_json
from groundup.core.randomness import python_random
from groundup.core.split import split_of

NUM_WRONG = 3  # wrong passages a query; taste: one right of four
DEEP = 20  # they are drawn from the first so many found: harder than chance, seldom right unseen
MOST_TUNED = 200  # held-out titles that weigh the features and measure
HEADS_UP = 2  # words a title needs to be a query
BATCH = 8  # queries a step: 32 rows
WEIGHTS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)  # of the cross-encoder against the ranking, tried on held-out titles
RATE = (
    5e-5  # of all weights; the usual range for BERT is 2e-5 to 5e-5 (Devlin et al. 2019), few steps want the upper end
)


@dataclass(frozen=True)
class Group:
    """A query, the passage that answers it, passages that do not."""

    query: str
    right: str
    wrong: tuple[str, ...]


def without_title(one: Document) -> Document:
    """The document with its title taken out of title and text, so that finding it means reading it."""
    title = str(one.meta.get("title", ""))
    flat = " ".join(one.text.split())
    start = " ".join(title.split()).rstrip(" .").lower()
    if start and flat.lower().startswith(start):
        flat = flat[len(start) :].lstrip(" .")
    return Document(text=flat or one.text, source=one.source, path=one.path, meta={"title": "-"})


def titles(documents: Sequence[Document]) -> list[tuple[str, str]]:
    """``(title, document path)`` of those that have a title in words."""
    named = [(str(one.meta.get("title", "")), one.path) for one in documents]
    return [(title, path) for title, path in named if len(title.split()) >= HEADS_UP]


def groups_of(
    documents: Sequence[Document],
    asked: Iterable[tuple[str, str]],
    *,
    seed: int = 1,
    most: int = 100_000,
    wrong: int = NUM_WRONG,
) -> list[Group]:
    """A group for each ``(query, path of its document)`` whose document search can find among the first DEEP."""
    search = Search()
    search.add_documents(documents)
    made: list[Group] = []
    for query, path in asked:
        ranked = search.rank_words(search.understand(query))[: 5 * DEEP]
        found = search.index.passages([number for number, _ in ranked])
        order = [found[number] for number, _ in ranked]
        right = next((one for one in order if one.path == path), None)
        others = [one.text for one in order if one.path != path][:DEEP]
        if right is not None and len(others) >= wrong:
            made.append(Group(query, right.text, tuple(python_random(seed, query).sample(others, wrong))))
        if len(made) == most:
            break
    search.close()
    return made


def train_cross(groups: Sequence[Group], start: Path, out: Path, *, steps: int, seed: int = 1, layers: int = 0) -> None:
    """Tune the encoder in `start` on groups and write a folder that `CrossEncoder` opens. layers: keep the first only."""
    import torch
    from torch.nn import functional as F

    from groundup.core.stage import Context
    from groundup.finetune.batches import Shuffled
    from groundup.finetune.heads import Headed, save_head
    from groundup.model.bundle import load
    from groundup.model.families import families
    from groundup.train.loop import train
    from groundup.train.objectives import Loss
    from groundup.train.options import OptimizerOptions

    bundle = load(start)
    config = replace(
        bundle.config, depth=layers or bundle.config.depth, dropout=0.0
    )  # one pass: nothing is learned by heart
    model = families.get(config.family)(config)
    weights = bundle.model.state_dict()
    model.load_state_dict({name: weights[name] for name in model.state_dict()})  # fewer layers: the first ones
    headed = Headed(model, 1, seed)
    headed.head.weight.data.zero_()  # all passages begin equal
    limit = min(ROW_TOKENS, config.context_length)

    def rows(places: Sequence[int]) -> dict[str, Any]:
        some = [groups[place] for place in places]
        texts = [(one.query, text) for one in some for text in (one.right, *one.wrong)]
        return batch_of([pair_of(bundle.tokenizer, query, text, limit) for query, text in texts])

    def right_first(module: Any, batch: Mapping[str, Any]) -> Loss:
        scores_GC = scores_of(module, dict(batch)).view(-1, 1 + NUM_WRONG)
        wanted_G = torch.zeros(len(scores_GC), dtype=torch.int64)
        good = float((scores_GC.detach().argmax(1) == 0).float().mean())
        return Loss(F.cross_entropy(scores_GC, wanted_G, reduction="sum"), len(scores_GC), {"right_first": good})

    settings = OptimizerOptions(
        steps=steps, batch_size=BATCH, optimizer="adamw", learning_rate=RATE, matrix_learning_rate=RATE, weight_decay=0.01,
        schedule="linear", warmup_steps=20, eval_every=0, sample_every=0,
    )  # fmt: skip
    data = Shuffled(len(groups), BATCH, seed, rows)
    train(headed, data, right_first, settings, folder=out, context=Context(seed=seed, device="cpu"))
    text = f"# A cross-encoder for search\n\nLearned from {len(groups):,} queries in {steps:,} steps by groundup.\n"
    save_head(out, headed.eval(), bundle.tokenizer, "reward", {"labels": ["fit"]}, card_text=text)


def best_weight(
    documents: Sequence[Document], asked: Sequence[tuple[str, str]], cross: CrossEncoder
) -> dict[str, float]:
    """The weight of `rerank` with the best reciprocal rank of ``(query, path of its document)``; 0 leaves the ranking."""
    search = Search()
    search.add_documents(documents)
    gained: dict[float, list[float]] = {weight: [] for weight in WEIGHTS}
    for query, path in asked:
        ranked = search.rank_words(search.understand(query))[:DEPTH]
        found = search.index.passages([number for number, _ in ranked])
        paths = [found[number].path for number, _ in ranked]
        if path not in paths or len(paths) < 2:
            continue
        first_N = np.array([score for _, score in ranked])
        cross_N = cross.score(query, [found[number].text for number, _ in ranked])
        for weight, values in gained.items():
            order = np.argsort(-joined(first_N, cross_N, weight), kind="stable")
            values.append(1 / (1 + [paths[place] for place in order].index(path)))
    search.close()
    means = {weight: float(np.mean(values)) if values else 0.0 for weight, values in gained.items()}
    best = max(means, key=lambda weight: (means[weight], -weight))
    return {"weight": best, "unseen": len(gained[0.0]), "reciprocal_rank": means[best], "without": means[0.0]}


def main(arguments: list[str] | None = None) -> int:
    """The command above."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("texts", nargs="*", type=Path, help="folders or files of documents with titles")
    parser.add_argument("--cranfield", type=Path, help="the Cranfield collection's documents (never its queries)")
    parser.add_argument("--squad", type=Path, help="a SQuAD file: its questions and paragraphs")
    parser.add_argument("--start", type=Path, help="an encoder to start from; default: MiniLM")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--layers", type=int, default=0, help="keep only the first layers of the encoder")
    parser.add_argument("--most", type=int, default=2000, help="questions taken from SQuAD")
    given = parser.parse_args(arguments)
    documents = [one for place in given.texts for one in documents_of(place, [], place.stem)]
    if given.cranfield is not None:
        from groundup.apps.search.evaluate import read_cranfield

        documents += read_cranfield(given.cranfield).documents
    learned: list[tuple[str, str]] = []
    held: list[tuple[str, str]] = []
    for pair in titles(documents):
        (held if split_of(pair[1], validation=0, test=0.2) == "test" else learned).append(pair)
    bare = [without_title(one) for one in documents]
    groups = groups_of(bare, learned)
    if given.squad is not None:
        groups += groups_of(*_squad(given.squad), most=given.most)
    if not groups:
        raise DataError("There is no query to learn from.", repair="Give documents with titles, or --squad.")
    train_cross(groups, given.start or minilm_folder(), given.out, steps=given.steps, layers=given.layers)
    told: dict[str, float] = {"queries": len(groups), "steps": given.steps}
    if held:
        told |= best_weight(bare, held[:MOST_TUNED], CrossEncoder(given.out))
    write_json(given.out / FACTS, told)
    print(json.dumps(told))
    return 0


def _squad(path: Path) -> tuple[list[Document], list[tuple[str, str]]]:
    """The paragraphs of a SQuAD file, and its questions with the path of their paragraph, shuffled."""
    from groundup.apps.search.evaluate import squad_pairs

    documents, asked = squad_pairs(path)
    python_random(1, "squad questions").shuffle(asked)
    return documents, asked


if __name__ == "__main__":
    raise SystemExit(main())
