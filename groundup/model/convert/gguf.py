"""GGUF, llama.cpp's file: one file with weights, tokenizer and chat template, that writes the same greedy text there.

    gpt -> arch "qwen3"    Llama layout -> "llama"    GPT-2 layout -> "gpt2"

Kinds: f32 (exact), f16, q8_0 and q4_0 (blocks of 32 with an fp16 scale each; what does not divide into blocks stays
f16, and the embedding is never below q8_0: it is the output matrix too). What a model or tokenizer cannot be exported
to is said by `demand_exportable` before any work. Only written, never read.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from groundup.core.errors import ArtifactError, MissingExtra, UsageError, near
from groundup.model.config import ModelConfig
from groundup.model.convert import layout_for
from groundup.model.convert.naming import renamed
from groundup.tokenizer.pattern import PATTERN

KINDS = ("f32", "f16", "q8_0", "q4_0")
ARCHITECTURES = {"qwen3": "qwen3", "llama": "llama", "gpt2": "gpt2"}
BLOCK = 32  # numbers that share a scale in q8_0 and q4_0

NAMES = {
    "embedding.tokens.weight": "token_embd.weight",
    "embedding.head.weight": "output.weight",
    "place.embedding.weight": "position_embd.weight",
    **{f"norm.{part}": f"output_norm.{part}" for part in ("weight", "bias")},
    **{
        f"blocks.N.{ours}.{part}": f"blk.N.{theirs}.{part}"
        for ours, theirs in (
            ("attention_norm", "attn_norm"),
            ("feedforward_norm", "ffn_norm"),
            ("attention.query", "attn_q"),
            ("attention.key", "attn_k"),
            ("attention.value", "attn_v"),
            ("attention.output", "attn_output"),
            ("attention.query_norm", "attn_q_norm"),
            ("attention.key_norm", "attn_k_norm"),
            ("feedforward.gate", "ffn_gate"),
            ("feedforward.up", "ffn_up"),
            ("feedforward.down", "ffn_down"),
        )
        for part in ("weight", "bias")
    },
}
# How a tokenizer's pattern is called in llama.cpp. The last one is what a byte-level pre-tokenizer does by itself.
PATTERNS = {
    PATTERN: "qwen2",
    PATTERN.replace(r"|\p{N}|", r"|\p{N}{1,3}|"): "llama-bpe",
    "": "gpt-2",
}
NORMAL, CONTROL, UNUSED = 1, 3, 5  # kinds of token in GGUF

# Ollama's template language; the tokenizer adds <|endoftext|> itself.
MODELFILE_TEMPLATE = "{{ range .Messages }}<|{{ .Role }}|>{{ .Content }}<|end|>{{ end }}<|assistant|>"


def demand_exportable(folder: Path, config: ModelConfig) -> None:
    """UsageError for a model or tokenizer that llama.cpp could not compute the same, with the way round."""
    layout = layout_for(config).MODEL_TYPE
    if layout not in ARCHITECTURES:
        what = {"bert": "an encoder (bert)", "t5": "an encoder-decoder", "groundup": "a mix of parts of its own"}
        raise UsageError(
            f"{folder} cannot be exported to GGUF: it is {what.get(layout, layout)}, and the file is for decoders in "
            "the layout of Qwen3, Llama or GPT-2.",
            repair="Use it here (groundup serve), or export it as: hf.",
        )
    if config.rope_scaling != "none":
        raise UsageError(
            f"{folder} cannot be exported to GGUF: its rotations were slowed down ({config.rope_scaling}).",
            repair="Use it here (groundup serve), or export it as: hf.",
        )
    if not (folder / "tokenizer.json").is_file():
        raise UsageError(f"{folder} cannot be exported to GGUF: it holds no tokenizer.")
    _pattern_name(folder, _tokenizer_json(folder))


def write_gguf(bundle: Any, path: Path, kind: str = "f16", *, name: str = "") -> int:
    """Write one file and return its bytes. bundle: an opened model folder. UsageError for what cannot be exported."""
    try:
        import gguf
    except ImportError:
        raise MissingExtra("gguf", "gguf", "Writing a GGUF file") from None
    if kind not in KINDS:
        raise UsageError(f"There is no GGUF kind '{kind}'.", repair=near(kind, KINDS))
    demand_exportable(bundle.folder, bundle.config)
    arch = ARCHITECTURES[layout_for(bundle.config).MODEL_TYPE]
    writer = gguf.GGUFWriter(path, arch)
    writer.add_name(name or bundle.folder.name)
    writer.add_file_type({"f32": 0, "f16": 1, "q4_0": 2, "q8_0": 7}[kind])
    _add_shape(writer, bundle.config, arch)
    _add_tokenizer(writer, bundle)
    for tensor_name, array in _tensors(bundle.model, bundle.config, arch):
        chosen = _kind_of(tensor_name, array, kind)
        if chosen in ("q8_0", "q4_0"):
            wanted = getattr(gguf.GGMLQuantizationType, chosen.upper())
            writer.add_tensor(tensor_name, gguf.quants.quantize(array, wanted), raw_dtype=wanted)
        else:
            writer.add_tensor(tensor_name, array.astype(np.float16 if chosen == "f16" else np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path.stat().st_size


def modelfile(bundle: Any, file: str) -> str:
    """The Modelfile by which Ollama takes a GGUF file in."""
    lines = [f"FROM ./{file}", "PARAMETER temperature 0", f"PARAMETER num_ctx {bundle.config.context_length}"]
    if (bundle.folder / "chat_template.jinja").is_file() and not bundle.tokenizer.is_foreign:
        lines += [f'TEMPLATE """{MODELFILE_TEMPLATE}"""', 'PARAMETER stop "<|end|>"']
    return "\n".join(lines) + "\n"


def _add_shape(writer: Any, config: ModelConfig, arch: str) -> None:
    writer.add_context_length(config.context_length)
    writer.add_embedding_length(config.width)
    writer.add_block_count(config.depth)
    writer.add_feed_forward_length(config.feedforward_width)
    writer.add_head_count(config.num_heads)
    writer.add_head_count_kv(config.num_kv_heads)
    writer.add_vocab_size(config.vocabulary_size)
    if arch == "gpt2":
        writer.add_layer_norm_eps(config.norm_epsilon)
        return
    writer.add_layer_norm_rms_eps(config.norm_epsilon)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_rope_freq_base(config.rope_theta)


def _tensors(model: Any, config: ModelConfig, arch: str) -> list[tuple[str, np.ndarray]]:
    """Our tensors by their names there, fp32."""
    found: list[tuple[str, np.ndarray]] = []
    joined: dict[str, dict[str, np.ndarray]] = {}
    for name, tensor in model.state_dict().items():
        array = tensor.detach().float().cpu().numpy()
        theirs = renamed(name, NAMES)
        assert theirs is not None, name
        if arch == "gpt2" and any(f".attn_{part}." in theirs for part in "qkv"):
            block, _, rest = theirs.partition(".attn_")
            joined.setdefault(f"{block}.attn_qkv.{rest[2:]}", {})[rest[0]] = array
            continue
        if arch == "llama" and any(f".attn_{part}.weight" in theirs for part in "qk"):
            heads = config.num_heads if ".attn_q." in theirs else config.num_kv_heads
            array = _interleaved(array, heads)
        found.append((theirs, np.ascontiguousarray(array)))
    for name, parts in joined.items():
        found.append((name, np.concatenate([parts[part] for part in "qkv"])))
    return found


def _interleaved(weight_OI: np.ndarray, heads: int) -> np.ndarray:
    """llama.cpp turns the pairs (2i, 2i + 1) in this architecture, we (i, i + K/2): the rows change places."""
    num_out, num_in = weight_OI.shape
    return weight_OI.reshape(heads, 2, num_out // heads // 2, num_in).swapaxes(1, 2).reshape(num_out, num_in)


def _kind_of(name: str, array: np.ndarray, kind: str) -> str:
    if array.ndim == 1 or kind == "f32" or name == "position_embd.weight":
        return "f32"
    if kind == "q4_0" and name in ("token_embd.weight", "output.weight"):
        kind = "q8_0"
    return "f16" if kind in ("q8_0", "q4_0") and array.shape[-1] % BLOCK else kind


def _add_tokenizer(writer: Any, bundle: Any) -> None:
    layout = _tokenizer_json(bundle.folder)
    special = {token["id"] for token in layout.get("added_tokens", ()) if token.get("special")}
    names = {number: name for name, number in layout["model"]["vocab"].items()}
    names |= {token["id"]: token["content"] for token in layout.get("added_tokens", ())}
    tokens, kinds = [], []
    for number in range(bundle.config.vocabulary_size):
        tokens.append(names.get(number, f"[PAD{number}]"))
        kinds.append(CONTROL if number in special else NORMAL if number in names else UNUSED)
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in layout["model"]["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(_pattern_name(bundle.folder, layout))
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(merges)
    special_ids = bundle.tokenizer.special
    start = special_ids.get("<|endoftext|>")
    if start is not None:
        writer.add_bos_token_id(start)
    writer.add_add_bos_token(start is not None and not bundle.tokenizer.is_foreign)  # every text of ours begins so
    end = special_ids.get("<|end|>", start)
    if end is not None:
        writer.add_eos_token_id(end)
    if "<|pad|>" in special_ids:
        writer.add_pad_token_id(special_ids["<|pad|>"])
    template = bundle.folder / "chat_template.jinja"
    if template.is_file():
        writer.add_chat_template(template.read_text(encoding="utf-8"))


def _tokenizer_json(folder: Path) -> dict[str, Any]:
    try:
        values = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{folder / 'tokenizer.json'} cannot be read: {error}.") from None
    if not isinstance(values, dict) or not isinstance(values.get("model"), dict):
        raise ArtifactError(f"{folder / 'tokenizer.json'} is no tokenizer.")
    return values


def _pattern_name(folder: Path, layout: dict[str, Any]) -> str:
    """llama.cpp's name of the way this tokenizer cuts text. UsageError for one it does not know."""
    model = layout["model"]
    if model.get("type", "BPE") != "BPE" or model.get("byte_fallback") or not model.get("merges"):
        raise UsageError(
            f"{folder} cannot be exported to GGUF: only byte-level BPE tokenizers with merges are carried over.",
            repair='Train with [tokenizer] kind = "bpe", or export it as: hf.',
        )
    cutter = layout.get("pre_tokenizer") or {}
    parts = cutter.get("pretokenizers", [cutter])
    patterns = [part["pattern"].get("Regex", "") for part in parts if part.get("type") == "Split"]
    own = any(part.get("type") == "ByteLevel" and part.get("use_regex", True) for part in parts)
    known = len(patterns) + own == 1 and all(part.get("type") in ("Split", "ByteLevel") for part in parts)
    found = PATTERNS.get(patterns[0] if patterns else "") if known else None
    if found is None:
        raise UsageError(
            f"{folder} cannot be exported to GGUF: llama.cpp has no name for the way its tokenizer cuts text.",
            repair="Export it as: hf.",
        )
    return found
