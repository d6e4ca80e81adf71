"""A decoder laid flat for reading and writing: the same computation in fewer, larger products, in fp32, bf16, int8 or int4.

Query, key and value are one product, gate and up another; keys of grouped queries are never copied; nothing is kept for
gradients. In fp32 the results are those of the model (a test holds them together); the other kinds read less memory a
token, which is what bounds writing, and lose a little: `quality_loss` says how much, in bits per byte.

int8   weights -127..127 with one scale an output channel; activations -127..127 with one scale a token (as LLM.int8(),
       Dettmers et al. 2022, without its outliers apart). A row's result depends on no other row.
int4   weights 0..15 with a scale and an offset a GROUP inputs (as AWQ's and llama.cpp's groups); activations bf16. The
       output matrix stays int8: every token's choice hangs on it.

Legend: B rows, T time, D width, H query heads, G key/value heads, K head size, S source time, V vocabulary, N = B T.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from groundup.core.errors import UsageError, near
from groundup.generate.scoring import token_logprobs
from groundup.model.config import ModelConfig
from groundup.model.layers.attention import causal_mask
from groundup.model.layers.position import Rotary, rotate

WEIGHTS = ("fp32", "bf16", "int8", "int4")
HAS_ONEDNN = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
FEW_ROWS = 16  # up to which oneDNN is the faster one; taste, between 8 (measured) and a prompt
GROUP = 32  # inputs that share a scale in int4; llama.cpp's q4_0


def flatten(model: Any, weights: str = "fp32") -> Any:
    """The model laid flat; itself where its parts are not known here and fp32 is wanted.

    In fp32 the fused matrices take the place of the model's own, which then are views of them: nothing lies in memory
    twice. Raises UsageError for an unknown kind, for parts or a processor that cannot be had in it.
    """
    if weights not in WEIGHTS:
        raise UsageError(f"There are no weights '{weights}'.", repair=near(weights, WEIGHTS))
    reason = _not_flat(model)
    if reason or (weights == "fp32" and next(model.parameters()).device.type != "cpu"):
        if weights == "fp32":
            return model
        raise UsageError(f"This model cannot be had in {weights}: {reason}.", repair="Use fp32.")
    there = torch.backends.quantized.engine in ("x86", "fbgemm") and hasattr(
        torch, "_make_per_channel_quantized_tensor"
    )
    if weights in ("int8", "int4") and not there:
        raise UsageError(f"{weights} is for x86 processors; this one has none of its products.", repair="Use bf16.")
    with torch.no_grad():
        return Flat(model, weights).eval()


def quality_loss(model: Any, quick: Any, ids: Sequence[int], num_bytes: int) -> tuple[float, float]:
    """Bits per byte of a text under the model as it is, and under `quick`. num_bytes: of the text in UTF-8."""
    bits = [-token_logprobs(one, ids)[1:].sum() / torch.log(torch.tensor(2.0)).item() for one in (model, quick)]
    return float(bits[0]) / num_bytes, float(bits[1]) / num_bytes


def _not_flat(model: Any) -> str:
    """Why a model cannot be laid flat; "" when it can."""
    config = getattr(model, "config", None)
    if not isinstance(config, ModelConfig) or config.family not in ("gpt", "custom"):
        return "only decoders are laid flat"
    parts = {
        f"position '{config.position}'": config.position in ("rope", "learned"),
        f"feed-forward '{config.feedforward}'": config.feedforward in ("swiglu", "geglu", "gelu", "gelu_tanh", "relu"),
        f"norm '{config.norm}'": config.norm in ("rms", "layer") and config.norm_place == "pre",
        "a window": not config.window,
        "a softcap": not config.attention_softcap and not config.logit_softcap,
        "experts": not config.num_experts,
        "a norm over all heads": not config.qk_norm_whole,
        "a layer without positions": not config.nope_every,
    }
    return next((f"{name} is not laid flat" for name, fine in parts.items() if not fine), "")


class Flat(nn.Module):
    """See the module. The calls of a decoder: engine, scoring and vectors do not tell it from the model."""

    def __init__(self, model: Any, weights: str) -> None:
        super().__init__()
        config: ModelConfig = model.config
        self.config = config
        self.gated = config.feedforward in ("swiglu", "geglu")
        self.tokens: nn.Module = model.embedding.tokens
        if weights in ("int8", "int4"):
            self.tokens = Int8Rows(model.embedding.tokens.weight)
        self.places = model.place.embedding if config.position == "learned" else None
        self.rotary = Rotary.of(config) if config.position == "rope" else None
        self.blocks = nn.ModuleList(FlatBlock(block, config, weights) for block in model.blocks)
        self.norm = model.norm
        self.head = _linear([model.embedding.output_weight], [None], "int8" if weights == "int4" else weights)

    def forward(self, ids_BT: Tensor, cache: Any = None, documents_BT: Tensor | None = None) -> Tensor:
        """Hidden states (B, T, D), ready for `logits`. cache: as in the model. documents_BT is for training only."""
        if documents_BT is not None:
            raise ValueError("a flat decoder does not train")
        start, length = (cache.length if cache is not None else 0), ids_BT.shape[1]
        positions_BT = getattr(cache, "positions_BT", None)
        mask_BTS = getattr(cache, "mask_BTS", None)
        mask: Tensor | None = None
        if mask_BTS is not None:
            mask = mask_BTS.unsqueeze(1)
        elif start and length > 1:
            mask = causal_mask(start, length, ids_BT.device)
        x_BTD = self.tokens(ids_BT)
        if self.places is not None:
            at = torch.arange(start, start + length, device=ids_BT.device) if positions_BT is None else positions_BT
            x_BTD = x_BTD + self.places(at)
        turned = None
        if self.rotary is not None:
            turned = self.rotary(start, length, x_BTD) if positions_BT is None else self.rotary.at(positions_BT, x_BTD)
        for block in self.blocks:
            x_BTD = block(x_BTD, turned, cache, mask)
        return self.norm(x_BTD)

    def logits(self, hidden_BTD: Tensor) -> Tensor:
        """Unnormalised log-probabilities (B, T, V) of the token after each position."""
        return self.head(hidden_BTD)


class FlatBlock(nn.Module):
    """Norm, one product for q, k and v, attention, output; norm, one product for gate and up, activation, down."""

    def __init__(self, block: Any, config: ModelConfig, weights: str) -> None:
        super().__init__()
        attention, feedforward = block.attention, block.feedforward
        self.layer, self.K = attention.layer, config.head_dim
        self.H, self.G = config.num_heads, config.num_kv_heads
        self.attention_norm, self.feedforward_norm = block.attention_norm, block.feedforward_norm
        self.query_norm, self.key_norm = attention.query_norm, attention.key_norm
        self.gated = config.feedforward in ("swiglu", "geglu")
        self.activation = config.feedforward
        self.qkv = _fused([attention.query, attention.key, attention.value], weights)
        self.output = _fused([attention.output], weights)
        self.up = _fused([feedforward.gate, feedforward.up] if self.gated else [feedforward.up], weights)
        self.down = _fused([feedforward.down], weights)

    def forward(self, x_BTD: Tensor, turned: tuple[Tensor, Tensor] | None, cache: Any, mask: Tensor | None) -> Tensor:
        """mask: as in attention.py."""
        x_BTD = x_BTD + self._attend(self.attention_norm(x_BTD), turned, cache, mask)
        inner = self.up(self.feedforward_norm(x_BTD))
        if self.gated:
            gate, inner = inner.chunk(2, -1)
            inner = self._activate(gate).mul_(inner)
        else:
            inner = self._activate(inner)
        return x_BTD + self.down(inner)

    def _activate(self, x: Tensor) -> Tensor:
        if self.activation in ("geglu", "gelu_tanh"):
            return F.gelu(x, approximate="tanh")
        if self.activation == "swiglu":
            return F.silu(x)
        return F.relu(x) if self.activation == "relu" else F.gelu(x)

    def _attend(self, x_BTD: Tensor, turned: tuple[Tensor, Tensor] | None, cache: Any, mask: Tensor | None) -> Tensor:
        B, T, _ = x_BTD.shape
        H, G, K = self.H, self.G, self.K
        # (B, T, (H + 2 G) K) -> (B, H + 2 G, T, K): q, then k, then v
        all_BHTK = self.qkv(x_BTD).view(B, T, H + 2 * G, K).transpose(1, 2)
        q_BHTK, k_BGTK, v_BGTK = all_BHTK.split((H, G, G), 1)
        if self.query_norm is not None:
            q_BHTK, k_BGTK = self.query_norm(q_BHTK), self.key_norm(k_BGTK)
        if turned is not None:
            q_BHTK, k_BGTK = rotate(q_BHTK, *turned), rotate(k_BGTK, *turned)
        if cache is not None:
            k_BGTK, v_BGTK = cache.update(self.layer, k_BGTK, v_BGTK)
        if G < H and T == 1:  # the queries of a group are so many queries of one head: nothing is copied
            q_BGRK = q_BHTK.reshape(B, G, H // G, K)
            y = F.scaled_dot_product_attention(q_BGRK, k_BGTK, v_BGTK, attn_mask=mask).reshape(B, 1, H * K)
            return self.output(y)
        if G < H:
            k_BGTK = k_BGTK.repeat_interleave(H // G, dim=1)
            v_BGTK = v_BGTK.repeat_interleave(H // G, dim=1)
        causal = mask is None and T > 1
        y_BHTK = F.scaled_dot_product_attention(q_BHTK, k_BGTK, v_BGTK, attn_mask=mask, is_causal=causal)
        return self.output(y_BHTK.transpose(1, 2).reshape(B, T, H * K))


class Fp32(nn.Module):
    """x W + b. For few rows through oneDNN: the plain product of one row runs on one core only (measured on 2 cores of an
    AVX512 processor: 11 GB/s of weights read, against 22; at 8 rows 9 against 16)."""

    def __init__(self, weight_OI: Tensor, bias_O: Tensor | None) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight_OI, requires_grad=False)
        self.bias = None if bias_O is None else nn.Parameter(bias_O, requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        if x.numel() // x.shape[-1] <= FEW_ROWS and x.device.type == "cpu" and HAS_ONEDNN:
            y: Tensor = torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, "none", [], "")
            return y
        return F.linear(x, self.weight, self.bias)


class Bf16(nn.Module):
    """Half of the memory; faster only where the processor has bf16 products (AMX, avx512_bf16)."""

    def __init__(self, weight_OI: Tensor, bias_O: Tensor | None) -> None:
        super().__init__()
        self.register_buffer("weight", weight_OI.bfloat16(), persistent=False)
        self.register_buffer("bias", bias_O, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        y = F.linear(x.bfloat16(), self.get_buffer("weight")).float()
        return y if self.bias is None else y + self.get_buffer("bias")


class Int8(nn.Module):
    """Weights and activations of 8 bits, summed up as whole numbers.

    The library takes one scale for all activations. So that no row depends on another, each is brought to -1..1 first,
    and a row that spans exactly that range goes along and fixes the scale.
    """

    def __init__(self, weight_OI: Tensor, bias_O: Tensor | None) -> None:
        super().__init__()
        scale_O = weight_OI.abs().amax(1).clamp_min(1e-12).double() / 127
        levels_OI = (weight_OI / scale_O[:, None]).round().clamp(-127, 127).to(torch.int8)
        zeros_O = torch.zeros(len(scale_O), dtype=torch.long)
        with warnings.catch_warnings():  # the library's quantized tensors are to move elsewhere; it says so each time
            warnings.simplefilter("ignore", UserWarning)
            quantized = torch._make_per_channel_quantized_tensor(levels_OI, scale_O, zeros_O, 0)
        self.packed = torch.ops.quantized.linear_prepack(quantized, None)
        # Without VNNI the products are added up in 16 bits, which 8-bit activations can overflow.
        self.reduce_range = not getattr(torch.cpu, "_is_vnni_supported", lambda: False)()
        span_1I = torch.zeros(1, weight_OI.shape[1])
        span_1I[0, 0], span_1I[0, -1] = -1.0, 1.0
        self.register_buffer("span_1I", span_1I, persistent=False)
        self.register_buffer("bias", bias_O, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        x_NI = x.reshape(-1, x.shape[-1])
        size_N1 = x_NI.abs().amax(1, keepdim=True).clamp_min_(1e-12)
        rows = torch.cat((x_NI / size_N1, self.get_buffer("span_1I")))
        y_NO = torch.ops.quantized.linear_dynamic(rows, self.packed, self.reduce_range)[:-1].mul_(size_N1)
        if self.bias is not None:
            y_NO += self.bias
        return y_NO.view(*x.shape[:-1], -1)


class Int4(nn.Module):
    """Weights of 4 bits in groups, activations in bf16."""

    def __init__(self, weight_OI: Tensor, bias_O: Tensor | None) -> None:
        super().__init__()
        num_out, num_in = weight_OI.shape
        groups_OGI = weight_OI.view(num_out, num_in // GROUP, GROUP)
        low_OG, high_OG = groups_OGI.amin(2), groups_OGI.amax(2)
        scale_OG = ((high_OG - low_OG) / 15).clamp_min(1e-8).bfloat16().float()
        # The library reads weight = (level - 8) scale + zero, both in bf16; levels are chosen for the rounded values.
        zero_OG = (low_OG + 8 * scale_OG).bfloat16().float()
        levels_OGI = ((groups_OGI - zero_OG[..., None]) / scale_OG[..., None] + 8).round().clamp(0, 15)
        levels_OI = levels_OGI.view(num_out, num_in).to(torch.int32)
        packed = torch.ops.aten._convert_weight_to_int4pack_for_cpu(levels_OI, 1)
        self.register_buffer("packed", packed, persistent=False)
        scales_GO2 = torch.stack((scale_OG, zero_OG), -1).transpose(0, 1).contiguous().bfloat16()
        self.register_buffer("scales_GO2", scales_GO2, persistent=False)
        self.register_buffer("bias", bias_O, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        x_NI = x.reshape(-1, x.shape[-1]).bfloat16()
        packed, scales = self.get_buffer("packed"), self.get_buffer("scales_GO2")
        y_NO = torch.ops.aten._weight_int4pack_mm_for_cpu(x_NI, packed, GROUP, scales).float()
        if self.bias is not None:
            y_NO += self.bias
        return y_NO.view(*x.shape[:-1], -1)


class Int8Rows(nn.Module):
    """An embedding whose rows are 8-bit numbers with a scale each."""

    def __init__(self, weight_VD: Tensor) -> None:
        super().__init__()
        scale_V1 = weight_VD.abs().amax(1, keepdim=True).clamp_min(1e-12) / 127
        self.register_buffer("levels_VD", (weight_VD / scale_V1).round().to(torch.int8), persistent=False)
        self.scale_V1 = nn.Parameter(scale_V1, requires_grad=False)

    def forward(self, ids_BT: Tensor) -> Tensor:
        return self.get_buffer("levels_VD")[ids_BT].float().mul_(self.scale_V1[ids_BT])


KINDS: dict[str, type[nn.Module]] = {"fp32": Fp32, "bf16": Bf16, "int8": Int8, "int4": Int4}


def _fused(layers: list[Any], weights: str) -> nn.Module:
    """One layer for several that read the same. In fp32 the layers' own weights become views of the fused one."""
    fused = _linear([layer.weight.data for layer in layers], [layer.bias for layer in layers], weights)
    if isinstance(fused, Fp32) and len(layers) > 1:
        start = 0
        for layer in layers:
            size = layer.weight.shape[0]
            layer.weight.data = fused.weight.data[start : start + size]
            start += size
    return fused


def _linear(matrices: list[Tensor], biases: list[Tensor | None], weights: str) -> nn.Module:
    weight_OI = matrices[0].data if len(matrices) == 1 else torch.cat(matrices)
    given = [bias.data for bias in biases if bias is not None]
    bias_O = torch.cat(given) if given else None
    # int4 needs inputs in whole groups and outputs in blocks of 16 (the library's tiles).
    if weights == "int4" and (weight_OI.shape[1] % GROUP or weight_OI.shape[0] % 16):
        weights = "int8"
    return KINDS[weights](weight_OI, bias_O)
