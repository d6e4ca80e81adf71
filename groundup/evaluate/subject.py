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

from groundup.core.errors import ArtifactError, GroundupError
from groundup.core.files import read_json
from groundup.core.manifest import has_manifest, read_manifest

if TYPE_CHECKING:
    from groundup.evaluate.base import Item

BORDER = "<|endoftext|>"
LOOKS_AHEAD = ("bert", "encoder_decoder")  # families that do not simply go on a text


@dataclass
class Subject:  # not frozen: it counts what it had to cut
    """A model to be measured.

    engine: anything with `.generate` and `.score` of `generate.Engine`. chat: ask with the chat template.
    context_length: the longest sequence, in tokens. bundle: the opened model folder, where there is one; head: its
    head (a key of `generate.purpose.HEADS`), "" without one. opens: texts begin with the border token (as ours do; a
    model that others made does as its own tokenizer does). truncated: how many prompts had to be cut so far.
    """

    engine: Any
    tokenizer: Any
    context_length: int
    chat: bool = False
    truncated: int = field(default=0)
    bundle: Any = None
    head: str = ""
    opens: bool = True

    @property
    def kind(self) -> str:
        """What can be asked of it: its head, else "bert" or "encoder_decoder", "" for a model that goes on a text."""
        family = self.bundle.config.family if self.bundle is not None else ""
        return self.head or (family if family in LOOKS_AHEAD else "")

    def write(
        self, items: Sequence[Item], shots: Sequence[Item], max_tokens: int, *, stop: str = "\n"
    ) -> list[tuple[str, str]]:
        """(prompt as shown, answer) per item: greedy, batched; a base model's answer ends at `stop`, its line's end."""
        from groundup.evaluate.shots import shots_of
        from groundup.generate import Sampling

        if self.kind == "encoder_decoder":
            return self._write_from_sources(items, max_tokens)
        prompts = [self.prompt(item, shots_of(item, shots)) for item in items]
        ids = [self.fit(prompt_ids, max_tokens) for _, prompt_ids in prompts]
        stops = () if self.chat else (stop,)
        found = self.engine.generate(ids, Sampling(max_tokens=max_tokens, temperature=0.0, stop=stops))
        answers = [one.text.strip() if self.chat else one.text.strip().partition(stop)[0].strip() for one in found]
        return [(text, answer) for (text, _), answer in zip(prompts, answers, strict=True)]

    def _write_from_sources(self, items: Sequence[Item], max_tokens: int) -> list[tuple[str, str]]:
        """As its tuning showed them: what the user says is the source. Worked examples are not shown."""
        from groundup.finetune.text_step import Writer

        sources = ["\n".join(str(turn["content"]) for turn in item.messages) or item.plain for item in items]
        return list(zip(sources, Writer(self.bundle).write(sources, max_tokens=max_tokens), strict=True))

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
        """The border token that opens every text, or nothing for a model that reads without one."""
        border = self.tokenizer.special.get(BORDER) if self.opens else None
        return [] if border is None else [border]

    def pair(self, context: str, continuation: str) -> tuple[list[int], list[int]]:
        """Ids of one context and its continuation; see `pairs`."""
        return self.pairs([(context, continuation)])[0]

    def pairs(self, texts: Sequence[tuple[str, str]]) -> list[tuple[list[int], list[int]]]:
        """Ids of contexts and continuations, cut where the text is cut.

        The whole text is encoded at once and split behind the context's tokens (as lm-evaluation-harness does),
        with the context's trailing blanks given to the continuation, since byte-level BPE glues a space to the
        word behind it.
        """
        cut = [(context.rstrip(), context[len(context.rstrip()) :] + ending) for context, ending in texts]
        contexts = list(dict.fromkeys(context for context, _ in cut))
        ids_of = dict(zip(contexts, self._encoded(contexts), strict=True))
        wholes = self._encoded([context + ending for context, ending in cut])
        begin = self.begin()
        found = []
        for (context, ending), whole in zip(cut, wholes, strict=True):
            ids = ids_of[context]
            rest = whole[len(ids) :] if whole[: len(ids)] == ids else []
            found.append((begin + ids, rest or self.tokenizer.encode(ending)))
        return found

    def _encoded(self, texts: list[str]) -> list[list[int]]:
        """Many texts at once where the tokenizer can."""
        if hasattr(self.tokenizer, "encode_batch"):
            return [list(ids) for ids in self.tokenizer.encode_batch(texts)]
        return [self.tokenizer.encode(text) if text else [] for text in texts]

    def score(self, pairs: Sequence[tuple[list[int], list[int]]]) -> list[Any]:
        """`Scored` for each (context, continuation) in ids.

        A continuation longer than the model reads keeps its end; a context gives up its beginning (the engine's
        rule); both are counted in `truncated`.
        """
        first = [self.tokenizer.special[BORDER]] if BORDER in self.tokenizer.special else []
        kept = [(context or first, ending[-(self.context_length - 1) :]) for context, ending in pairs]
        found = list(self.engine.score(kept)) if kept else []
        cut = sum(len(ending) < len(whole) for (_, ending), (_, whole) in zip(kept, pairs, strict=True))
        self.truncated += cut + sum(one.num_left_out > 0 for one in found)
        return found

    def fit(self, ids: list[int], room: int) -> list[int]:
        """Cut from the left what does not fit beside `room` more tokens; the border stays in front."""
        most = max(1, self.context_length - room)
        if len(ids) <= most:
            return ids
        self.truncated += 1
        head = ids[:1] if ids[:1] == self.begin() and most > 1 else []
        return head + ids[len(ids) - (most - len(head)) :]


def load_subject(folder: Path, *, device: str = "auto", format: str = "auto") -> Subject:
    """Open a model folder for measuring. format: "chat", "plain", or "auto" (see `is_chat`)."""
    from groundup.generate import Engine
    from groundup.generate.purpose import kind_of
    from groundup.model import bundle

    folder = Path(folder)
    chat = is_chat(folder) if format == "auto" else format == "chat"
    try:
        opened = bundle.load(folder, device=device)
    except GroundupError as ours:
        from groundup.evaluate.foreign import open_foreign

        other = open_foreign(folder, device, because=ours)
        return Subject(other, other.tokenizer, other.context_length, chat, opens=writes_border(folder))
    if opened.tokenizer is None:
        raise ArtifactError(f"{folder} holds no tokenizer, so no text can be put to its model.")
    engine = Engine(opened)
    opens = not opened.tokenizer.is_foreign or writes_border(folder)
    return Subject(
        engine, opened.tokenizer, engine.context_length, chat, bundle=opened, head=kind_of(folder), opens=opens
    )


def writes_border(folder: Path) -> bool:
    """Whether a tokenizer that others made puts its border token before a text by itself (Llama's does, GPT-2's not)."""
    layout = read_json(folder / "tokenizer.json")
    steps = layout.get("post_processor") or {}
    steps = steps.get("processors") or [steps]
    return any(step.get("type") == "TemplateProcessing" and "SpecialToken" in step["single"][0] for step in steps)


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


def _glue(prompt: str) -> str:
    return "" if prompt.endswith((" ", "\n")) else " "
