"""The GGUF file: llama.cpp reads the same tokens from it and writes the same greedy text as we do."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import numpy as np
import pytest
import torch

from groundup.core.errors import UsageError
from groundup.generate import Engine, Sampling
from groundup.model.bundle import Bundle, load, save
from groundup.model.config import ModelConfig
from groundup.model.convert import gpt2, llama
from groundup.model.convert.gguf import modelfile, write_gguf
from groundup.model.families.custom import Custom
from groundup.model.families.gpt import GPT
from groundup.tokenizer import Tokenizer

gguf = pytest.importorskip("gguf")

TEXT = "Once there was a fox in the old mill. It's 12 o'clock, she said:\n\n  'Look!'"
SHAPE: dict[str, Any] = {
    "depth": 2,
    "width": 64,
    "num_heads": 4,
    "num_kv_heads": 2,
    "head_dim": 16,
    "feedforward_width": 128,
    "context_length": 64,
}
LAYOUTS: dict[str, tuple[type, dict[str, Any]]] = {
    "qwen3": (GPT, {}),
    "llama": (Custom, {"family": "custom", **llama.PARTS, "tied": False}),
    "gpt2": (Custom, {"family": "custom", **gpt2.PARTS, "num_kv_heads": 4}),
}


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Bundle]:
    """A loud random model in each layout: its choices are far from ties."""
    tokenizer = Tokenizer.train([TEXT] * 3, kind="bpe", vocabulary_size=320)
    opened = {}
    for name, (family, parts) in LAYOUTS.items():
        torch.manual_seed(3)
        model = family(ModelConfig(tokenizer.vocabulary_size, **{**SHAPE, **parts}))
        for parameter in model.parameters():
            if parameter.dim() > 1:
                torch.nn.init.normal_(parameter, std=0.3)
            elif name == "gpt2":
                torch.nn.init.normal_(parameter, mean=0.5, std=0.2)  # biases that matter
        folder = tmp_path_factory.mktemp(name)
        save(folder, model, tokenizer)
        opened[name] = load(folder, device="cpu")
    return opened


@pytest.mark.parametrize("kind", ["f32", "f16", "q8_0", "q4_0"])
def test_the_file_says_what_the_model_is(bundles: dict[str, Bundle], tmp_path: Path, kind: str) -> None:
    bundle = bundles["qwen3"]
    path = tmp_path / "model.gguf"
    size = write_gguf(bundle, path, kind)
    read = gguf.GGUFReader(path)
    values = {name: field.contents() for name, field in read.fields.items()}
    assert values["general.architecture"] == "qwen3" and values["qwen3.block_count"] == 2
    assert values["qwen3.attention.head_count_kv"] == 2 and values["tokenizer.ggml.pre"] == "qwen2"
    assert values["tokenizer.ggml.bos_token_id"] == 0 and "<|assistant|>" in values["tokenizer.chat_template"]
    tensors = {tensor.name: tensor for tensor in read.tensors}
    wanted = bundle.model.blocks[1].attention.query.weight.detach().numpy()
    found = tensors["blk.1.attn_q.weight"]
    numbers = gguf.quants.dequantize(found.data, found.tensor_type)
    assert np.abs(numbers - wanted).max() <= {"f32": 0, "f16": 1e-3, "q8_0": 0.01, "q4_0": 0.15}[kind]
    assert found.tensor_type.name.lower() == kind and size < 700_000
    assert tensors["token_embd.weight"].tensor_type.name.lower() == kind.replace("q4", "q8")


def test_what_cannot_be_exported_is_said_first(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    mixed = replace(bundles["llama"].config, window=8)
    with pytest.raises(UsageError, match="it is mistral, and the file is for decoders"):
        write_gguf(replace(bundles["llama"], config=mixed), path)
    bytewise = Tokenizer.train([TEXT], kind="bytes")
    bytewise.save(tmp_path)
    with pytest.raises(UsageError, match="only byte-level BPE"):
        write_gguf(replace(bundles["qwen3"], folder=tmp_path, tokenizer=bytewise), path)
    with pytest.raises(UsageError, match="Did you mean 'q4_0'"):
        write_gguf(bundles["qwen3"], path, "q4_1")
    assert not path.exists()


def test_the_modelfile_says_how_a_chat_is_written(bundles: dict[str, Bundle]) -> None:
    lines = modelfile(bundles["qwen3"], "a.gguf").splitlines()
    assert lines[0] == "FROM ./a.gguf" and "PARAMETER num_ctx 64" in lines
    assert any("<|{{ .Role }}|>{{ .Content }}<|end|>" in line for line in lines)


def post(address: str, value: dict[str, Any]) -> Any:
    request = Request(address, json.dumps(value).encode(), {"content-type": "application/json"})
    with urlopen(request, timeout=60) as answer:
        return json.load(answer)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_llama_cpp_writes_the_same_greedy_text(bundles: dict[str, Bundle], tmp_path: Path, layout: str) -> None:
    llama_cpp = pytest.importorskip("xllamacpp")
    bundle = bundles[layout]
    write_gguf(bundle, tmp_path / "model.gguf", "f32")
    params = llama_cpp.CommonParams()
    params.model.path = str(tmp_path / "model.gguf")
    params.n_ctx, params.n_predict, params.cpuparams.n_threads = 64, 16, 1
    params.warmup = False
    server = llama_cpp.Server(params)
    engine = Engine(bundle)
    for prompt in (TEXT, "the fox", "12 It's\n"):
        ids = [bundle.tokenizer.special["<|endoftext|>"], *bundle.tokenizer.encode(prompt)]
        ours = engine.generate([ids], Sampling(max_tokens=16, ignore_end=True))[0].ids
        asked = {"prompt": prompt, "n_predict": 16, "temperature": 0, "ignore_eos": True, "return_tokens": True}
        theirs = post(f"{server.listening_address}/completion", asked)
        assert theirs["tokens_evaluated"] == len(ids)
        assert theirs["tokens"][:16] == ours
