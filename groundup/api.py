"""The public face of a trained model: generate, chat, score, explain, embed. What the command does, as five methods."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from groundup.core.console import Console
from groundup.core.errors import UsageError
from groundup.generate.engine import Engine
from groundup.generate.sampling import Sampling
from groundup.model.bundle import load as load_bundle
from groundup.pipeline import find_model, run_folder_of
from groundup.stages import Recipe, read_recipe
from groundup.trace.spans import TracedSpan


def load(name: str | Path, *, device: str = "auto") -> Model:
    """The model of a run name, a run folder or a model folder. Raises UsageError when there is none."""
    folder = find_model(name)
    return Model(folder, run_folder_of(name) or run_folder_of(folder), device=device)


def plan(recipe: Recipe | str, *, quiet: bool = True) -> dict[str, Any]:
    """What a recipe will take on this machine: model size, steps and seconds per stage. Measures for a few seconds."""
    from groundup.budget import make_plan
    from groundup.pipeline import check

    recipe = read_recipe(recipe) if isinstance(recipe, str) else recipe
    check(recipe)
    return make_plan(recipe, Console(quiet=quiet))


class Model:
    """A trained model with its tokenizer, and, when it was made here, the run that tells where it comes from."""

    def __init__(self, folder: Path, run_folder: Path | None, *, device: str = "auto") -> None:
        self.folder = folder
        self.run_folder = run_folder
        bundle = load_bundle(folder, device=device)
        if bundle.tokenizer is None:
            raise UsageError(f"{folder} holds no tokenizer: it cannot read or write text.")
        self.bundle = bundle
        self.engine = Engine(bundle)
        self.tokenizer = bundle.tokenizer

    def generate(self, prompt: str, **sampling: Any) -> str:
        """The text that follows `prompt`. sampling: the fields of `generate.sampling.Sampling`."""
        return self.engine.generate([self._ids(prompt)], Sampling(**sampling))[0].text

    def chat(self, messages: str | list[dict[str, Any]], **sampling: Any) -> str:
        """The answer to one question, or to a conversation of ``{"role", "content"}`` messages."""
        turns = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
        return self.engine.chat(turns, Sampling(**sampling)).text

    def score(self, text: str, context: str = "") -> float:
        """The log-probability (natural log, summed over tokens) of `text` after `context`."""
        return float(self.engine.score([(self._ids(context), self.tokenizer.encode(text))])[0].logprob)

    def embed(self, texts: list[str]) -> np.ndarray:
        """One vector per text, shape (len(texts), width), length 1."""
        from groundup.generate.embed import embed

        return np.asarray(embed(self.bundle, texts))

    def explain(self, text: str, *, min_length: int = 6) -> list[TracedSpan]:
        """Where a text comes from: its longest spans found word for word in the training text, in reading order, with
        their documents. min_length: tokens. Needs the run that made the model (its trace index)."""
        if self.run_folder is None:
            raise UsageError(f"{self.folder} was not made by a run here: there is no index of its training text.")
        from groundup.tokenizer.tracing import open_trace

        return open_trace(self.run_folder / "3_tokenizer").explain(text, min_length=min_length)

    def _ids(self, text: str) -> list[int]:
        return [self.tokenizer.special["<|endoftext|>"], *self.tokenizer.encode(text)]
