"""The Tokenizer all rooms use: trained here, or opened from any Hugging Face folder with a `tokenizer.json`.

In: text. Out: lists of ids. Special tokens in a text are not recognised (encoding what a user wrote never yields a
special id); code that builds documents and chats writes their ids by name: ``tokenizer.special["<|end|>"]``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers

from groundup.core.errors import ArtifactError
from groundup.core.files import read_json, write_bytes, write_json
from groundup.tokenizer.options import NUM_BYTE_TOKENS
from groundup.tokenizer.pattern import character_bytes, pieces
from groundup.tokenizer.special import CLS, END, END_OF_TEXT, MASK, PAD, SEP, SPECIAL, UNKNOWN

MODULES = ("fast", "wordpiece", "unigram", "characters", "byte_level")  # each registers its kind
LONGEST_PIECE = 1_000_000  # characters encoded at once; bounds memory at some 100 MB a piece (taste)
NO_LIMIT = 10**30  # what transformers writes for "no model_max_length"


class Tokenizer:
    """One vocabulary with its special tokens and chat template. Immutable after it is made."""

    def __init__(self, fast: tokenizers.Tokenizer, *, chat_template: str = "", config: dict[str, Any] | None = None):
        """fast: the library's tokenizer. chat_template: Jinja text, empty for ours. config: tokenizer_config.json."""
        fast.encode_special_tokens = True  # text that looks like a special token stays text
        fast.no_padding()
        fast.no_truncation()
        self._fast = fast
        self._config = config or {}
        self.chat_template = chat_template  # of a foreign folder; "" means ours (tokenizer.chat)
        self.special = self._find_special()

    @classmethod
    def train(cls, texts: Iterable[str], kind: str = "bpe", vocabulary_size: int | None = None) -> Tokenizer:
        """Learn a vocabulary from texts. Deterministic.

        kind: "bpe", "wordpiece", "unigram", "characters" or "bytes". vocabulary_size: tokens in all, special ones
        included (default 8,192; for "bytes" 288). "characters" takes what is there, at most so many.
        Raises UsageError (unknown kind), RecipeError (size below the alphabet), DataError (corpus too small for
        the size; names the largest possible).
        """
        from importlib import import_module

        for module in MODULES:
            import_module(f"groundup.tokenizer.{module}")
        from groundup.tokenizer.kinds import KINDS, check_reached

        chosen = KINDS.get(kind)
        size = vocabulary_size or (NUM_BYTE_TOKENS if kind == "bytes" else 8192)
        # Training one endless line would need memory for all of it at once: long texts come in pieces.
        whole = (_clean(piece) for text in texts for piece in pieces(text, LONGEST_PIECE))
        fast = chosen.train(whole, size)
        if kind != "characters":
            check_reached(kind, size, fast.get_vocab_size())
        return cls(fast)

    @classmethod
    def load(cls, folder: Path | str) -> Tokenizer:
        """Open a folder with `tokenizer.json` (ours or another's), or a `.tiktoken` or sentencepiece `.model` file.

        Raises ArtifactError when missing or damaged.
        """
        folder = Path(folder)
        if folder.is_file() and folder.suffix in (".tiktoken", ".model"):
            from groundup.tokenizer.foreign import open_foreign

            return cls(open_foreign(folder))
        path = folder / "tokenizer.json"
        if not path.is_file():
            raise ArtifactError(
                f"{folder} holds no tokenizer.json.",
                repair="Give the folder of a tokenizer or model in the Hugging Face layout.",
            )
        try:
            fast = tokenizers.Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises bare Exception
            raise ArtifactError(f"{path} cannot be read as a tokenizer: {error}.") from None
        config_path = folder / "tokenizer_config.json"
        config = read_json(config_path) if config_path.is_file() else {}
        template_path = folder / "chat_template.jinja"
        template = template_path.read_text(encoding="utf-8") if template_path.is_file() else config.get("chat_template")
        if isinstance(template, list):  # several named templates: take the default one
            template = next((item["template"] for item in template if item.get("name") == "default"), "")
        from groundup.tokenizer.chat import TEMPLATE

        return cls(fast, chat_template="" if template == TEMPLATE else template or "", config=config)

    def save(self, folder: Path | str, *, context_length: int | None = None) -> Path:
        """Write the Hugging Face files. context_length: tokens the model can read (model_max_length)."""
        from groundup.tokenizer.chat import TEMPLATE

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        named = self.named_special()
        config = {
            **self._config,
            "tokenizer_class": "PreTrainedTokenizerFast",
            "clean_up_tokenization_spaces": False,
            "model_max_length": context_length or self._config.get("model_max_length", NO_LIMIT),
            **named,
        }
        if not self.is_foreign:
            others = [name for name in self.special if name not in named.values()]
            config["additional_special_tokens"] = others
        config.pop("chat_template", None)
        write_bytes(folder / "tokenizer.json", self._fast.to_str(pretty=True).encode("utf-8"))
        write_json(folder / "special_tokens_map.json", named)
        template = self.chat_template or ("" if self.is_foreign else TEMPLATE)
        if template:
            write_bytes(folder / "chat_template.jinja", template.encode("utf-8"))
        write_json(folder / "tokenizer_config.json", config)  # last: a folder with it is whole
        return folder

    def encode(self, text: str) -> list[int]:
        """The ids of a text, without any special token."""
        if len(text) > 2 * LONGEST_PIECE:
            return [place for ids in self.encode_batch(list(pieces(text, LONGEST_PIECE))) for place in ids]
        return self._fast.encode(_clean(text), add_special_tokens=False).ids

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of many texts, on all cores."""
        if any(len(text) > 2 * LONGEST_PIECE for text in texts):
            return [self.encode(text) for text in texts]
        encoded = self._fast.encode_batch_fast([_clean(text) for text in texts], add_special_tokens=False)
        return [item.ids for item in encoded]

    def encode_with_places(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """The ids of a text and of each the characters [start, end) it was made from (WordPiece drops blanks)."""
        found = self._fast.encode(_clean(text), add_special_tokens=False)
        return found.ids, found.offsets

    def encode_with_special(self, text: str) -> list[int]:
        """The ids of a text in which special tokens ARE recognised. For text written by code, never by users."""
        return self._recognising.encode(_clean(text), add_special_tokens=False).ids

    def decode(self, ids: Iterable[int], skip_special: bool = True) -> str:
        """The text of ids; bytes that are no UTF-8 (a character cut in half) become U+FFFD."""
        return self._fast.decode([int(place) for place in ids], skip_special_tokens=skip_special)

    def token_bytes(self, id: int) -> bytes:
        """The bytes one token stands for; b"" for special tokens. Raises IndexError outside the vocabulary."""
        return self._token_bytes[id]

    @cached_property
    def vocabulary_size(self) -> int:
        """Number of ids, special tokens included: 1 + the largest id."""
        return max(self._fast.get_vocab(with_added_tokens=True).values()) + 1

    @cached_property
    def bytes_per_token(self) -> np.ndarray:
        """(vocabulary_size,) int64: how many bytes each token stands for, 0 for special tokens."""
        return np.array([len(token) for token in self._token_bytes], dtype=np.int64)

    @cached_property
    def kind(self) -> str:
        """ "bpe", "wordpiece", "unigram", "characters" or "bytes", read off the vocabulary itself."""
        model = self._layout["model"]
        name = model.get("type", "BPE")
        if name != "BPE":
            return {"WordPiece": "wordpiece", "Unigram": "unigram"}.get(name, name.lower())
        if model.get("merges"):
            return "bpe"
        return "characters" if model.get("byte_fallback") else "bytes"

    @cached_property
    def _recognising(self) -> tokenizers.Tokenizer:
        return tokenizers.Tokenizer.from_str(self._fast.to_str())

    @cached_property
    def is_foreign(self) -> bool:
        """True when the special tokens are not ours: a tokenizer somebody else made."""
        return any(self._fast.token_to_id(name) is None for name in SPECIAL)

    @cached_property
    def _layout(self) -> dict[str, Any]:
        import json

        layout = json.loads(self._fast.to_str())
        layout["model"].pop("vocab", None)
        layout["model"]["merges"] = layout["model"].get("merges", [])[:1]
        return layout

    @cached_property
    def _token_bytes(self) -> list[bytes]:
        surface = _surface_of(str(self._layout.get("decoder")))
        special = {place for place, token in self._fast.get_added_tokens_decoder().items() if token.special}
        added = set(self._fast.get_added_tokens_decoder())
        found = [b""] * self.vocabulary_size
        for name, place in self._fast.get_vocab(with_added_tokens=True).items():
            if place in added:
                found[place] = b"" if place in special else name.encode("utf-8")
            else:
                found[place] = surface(name)
        return found

    def _find_special(self) -> dict[str, int]:
        """Name -> id: ours by name; for a foreign tokenizer its own names, and ours where it has the same thing."""
        if not self.is_foreign:
            vocabulary = self._fast.get_vocab(with_added_tokens=True)
            return {name: vocabulary[name] for name in SPECIAL}
        found = {
            token.content: place for place, token in self._fast.get_added_tokens_decoder().items() if token.special
        }
        same = {PAD: "pad_token", UNKNOWN: "unk_token", MASK: "mask_token", CLS: "cls_token", SEP: "sep_token"}
        for ours, key in {END_OF_TEXT: "bos_token", END: "eos_token", **same}.items():
            theirs = self._text_of(self._config.get(key)) or (
                self._text_of(self._config.get("eos_token")) if ours == END_OF_TEXT else ""
            )
            place = self._fast.token_to_id(theirs) if theirs else None
            if ours not in found and place is not None:
                found[ours] = place
        return found

    def named_special(self) -> dict[str, str]:
        """transformers' names for special tokens ("bos_token" ...) and the tokens they name."""
        keys = ("bos_token", "eos_token", "pad_token", "unk_token", "mask_token", "cls_token", "sep_token")
        if self.is_foreign:
            return {key: self._text_of(self._config[key]) for key in keys if self._config.get(key)}
        return dict(zip(keys, (END_OF_TEXT, END_OF_TEXT, PAD, UNKNOWN, MASK, CLS, SEP), strict=True))

    @staticmethod
    def _text_of(value: Any) -> str:
        return str(value.get("content", "")) if isinstance(value, dict) else str(value or "")


def _clean(text: str) -> str:
    # Lone surrogates are no characters and cannot be written as UTF-8; they become "?" as in a stored document.
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode("utf-8")
    return text


def _surface_of(decoder: str) -> Any:
    """The function from a vocabulary entry to the bytes it stands for, by the decoder's description."""
    if "ByteLevel" in decoder:
        table = character_bytes()
        return lambda name: bytes(table[character] for character in name)
    if "WordPiece" in decoder:
        return lambda name: name.removeprefix("##").encode("utf-8")

    def sentencepiece(name: str) -> bytes:
        if len(name) == 6 and name.startswith("<0x") and name.endswith(">"):
            return bytes([int(name[3:5], 16)])
        return name.replace("\u2581", " ").encode("utf-8") if "\u2581" in decoder else name.encode("utf-8")

    return sentencepiece
