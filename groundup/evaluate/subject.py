"""The model under test: asked in its own format, in batches, greedily.

A model tuned on conversations is asked with the chat template, the same object that training used; a base model
gets plain text to continue. Every prompt is cut from the left to what fits the model's context, and the cut is
counted, never silent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundup.core.errors import ArtifactError
from groundup.core.manifest import has_manifest, read_manifest

if TYPE_CHECKING:
    from groundup.evaluate.base import Item

BORDER = "<|endoftext|>"


@dataclass
class Subject:  # not frozen: it counts what it had to cut
    """A model to be measured.

    engine: anything with `.generate` and `.score` of `generate.Engine`. chat: ask with the chat template.
    context_length: the longest sequence, in tokens. bundle: the opened model folder, where there is one; head: its
    head, "classify" or "qa", "" for a language model alone. truncated: how many prompts had to be cut so far.
    """

    engine: Any
    tokenizer: Any
    context_length: int
    chat: bool = False
    truncated: int = field(default=0)
    bundle: Any = None
    head: str = ""

    def write(self, items: Sequence[Item], shots: Sequence[Item], max_tokens: int) -> list[tuple[str, str]]:
        """(prompt as shown, answer) per item: greedy, batched; a base model's answer ends with its line."""
        from groundup.generate import Sampling

        prompts = [self.prompt(item, shots) for item in items]
        ids = [self._fit(prompt_ids, max_tokens) for _, prompt_ids in prompts]
        stop = () if self.chat else ("\n",)
        found = self.engine.generate(ids, Sampling(max_tokens=max_tokens, temperature=0.0, stop=stop))
        answers = [one.text.strip() if self.chat else _first_line(one.text) for one in found]
        return [(text, answer) for (text, _), answer in zip(prompts, answers, strict=True)]

    def prompt(self, item: Item, shots: Sequence[Item]) -> tuple[str, list[int]]:
        """What the model is shown for an item: the text for people to read, the ids for the model."""
        if self.chat and item.messages:
            from groundup.tokenizer.chat import render

            turns: list[dict[str, Any]] = []
            for shot in shots:
                turns += [*shot.messages, {"role": "assistant", "content": shot.gold}]
            turns += item.messages
            ids = list(render(self.tokenizer, turns, add_generation_prompt=True).ids)
            return self.tokenizer.decode(ids, skip_special=False), ids
        text = "".join(f"{shot.plain}{_glue(shot.plain)}{shot.gold}\n\n" for shot in shots) + item.plain
        return text, self.begin() + self.tokenizer.encode(text)

    def begin(self) -> list[int]:
        """The border token that opens every text, or nothing for a model that has none."""
        border = self.tokenizer.special.get(BORDER)
        return [] if border is None else [border]

    def pair(self, context: str, continuation: str) -> tuple[list[int], list[int]]:
        """Ids of a context and its continuation, cut where the text is cut.

        The whole text is encoded at once and split behind the context's tokens (as lm-evaluation-harness does),
        with the context's trailing blanks given to the continuation, since byte-level BPE glues a space to the
        word behind it.
        """
        kept = context.rstrip()
        continuation = context[len(kept) :] + continuation
        context_ids = self.tokenizer.encode(kept) if kept else []
        whole = self.tokenizer.encode(kept + continuation)
        rest = whole[len(context_ids) :] if whole[: len(context_ids)] == context_ids else []
        return self.begin() + context_ids, rest or self.tokenizer.encode(continuation)

    def score(self, pairs: Sequence[tuple[list[int], list[int]]]) -> list[Any]:
        """`Scored` for each (context, continuation) in ids.

        A continuation longer than the model reads keeps its end; a context gives up its beginning (the engine's
        rule); both are counted in `truncated`.
        """
        kept = [(context or self.begin(), ending[-(self.context_length - 1) :]) for context, ending in pairs]
        found = list(self.engine.score(kept)) if kept else []
        cut = sum(len(ending) < len(whole) for (_, ending), (_, whole) in zip(kept, pairs, strict=True))
        self.truncated += cut + sum(one.num_left_out > 0 for one in found)
        return found

    def _fit(self, ids: list[int], room: int) -> list[int]:
        """Cut from the left what does not fit beside `room` more tokens; the border stays in front."""
        most = max(1, self.context_length - room)
        if len(ids) <= most:
            return ids
        self.truncated += 1
        head = ids[:1] if ids[:1] == self.begin() and most > 1 else []
        return head + ids[len(ids) - (most - len(head)) :]


def load_subject(folder: Path, *, device: str = "auto", format: str = "auto") -> Subject:
    """Open a model folder for measuring. format: "chat", "plain", or "auto" (see `is_chat`)."""
    from groundup.finetune.heads import kind_of
    from groundup.generate import Engine
    from groundup.model import bundle

    opened = bundle.load(folder, device=device)
    if opened.tokenizer is None:
        raise ArtifactError(f"{folder} holds no tokenizer, so no text can be put to its model.")
    engine = Engine(opened)
    chat = is_chat(folder) if format == "auto" else format == "chat"
    return Subject(engine, opened.tokenizer, engine.context_length, chat, bundle=opened, head=kind_of(Path(folder)))


def is_chat(folder: Path) -> bool:
    """Whether a model folder holds a model tuned on conversations.

    A folder of ours lies in its stage's folder, whose manifest tells; any other model is a chat model when it
    brings a chat template.
    """
    for place in (folder, folder.parent):
        if has_manifest(place):
            try:
                stage = read_manifest(place).stage
            except ArtifactError:
                continue
            if stage.startswith(("finetune", "pretrain")):
                return stage.startswith("finetune")
    return (folder / "chat_template.jinja").is_file()


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0].strip()


def _glue(prompt: str) -> str:
    return "" if prompt.endswith((" ", "\n")) else " "
