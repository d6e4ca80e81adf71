"""What a config costs before anything is built: parameters, FLOPs, memory.

Counting follows Kaplan et al. 2020 and PaLM's appendix: a multiply-add is 2 FLOPs, backward costs twice forward,
attention scores and their use are counted over the causal half.
"""

from __future__ import annotations

from dataclasses import dataclass

from groundup.model.config import ModelConfig
from groundup.model.rules import GATED

BYTES_FP32 = 4
OPTIMIZER_STATES = {"adamw": 2, "muon": 1}  # fp32 numbers kept for each parameter (Muon: its matrices)


@dataclass(frozen=True)
class Counts:
    """Memory in bytes, fp32 unless `count` was told otherwise; activations for one batch in training."""

    parameters: int
    embedding_parameters: int  # in the input (and tied output) matrix
    matrix_parameters: int  # in the blocks' matrices
    flops_per_token_forward: int
    flops_per_token: int  # forward and backward
    weight_bytes: int
    gradient_bytes: int
    optimizer_bytes: int
    activation_bytes: int
    kv_cache_bytes_per_token: int

    @property
    def training_bytes(self) -> int:
        """Weights, gradients, optimizer and activations together."""
        return self.weight_bytes + self.gradient_bytes + self.optimizer_bytes + self.activation_bytes


def count(
    config: ModelConfig, *, batch_size: int = 1, bytes_per_number: int = BYTES_FP32, optimizer: str = "adamw"
) -> Counts:
    """The costs of a config of any family. batch_size: sequences of context_length computed at once.

    An encoder-decoder is counted as reading and writing context_length tokens each: an upper bound. Of experts, FLOPs
    count those a token passes, memory all.
    """
    D, T, V = config.width, config.context_length, config.vocabulary_size
    inner, inner_kv = config.num_heads * config.head_dim, config.num_kv_heads * config.head_dim
    attention = 2 * D * inner + 2 * D * inner_kv
    feedforward = (3 if config.feedforward in GATED else 2) * D * config.feedforward_width
    experts = max(1, config.num_experts)
    passed = config.experts_per_token if config.num_experts else 1
    layers, seconds = config.depth + config.decoder_depth, config.decoder_depth  # seconds: attentions over the source
    router = D * config.num_experts
    matrices = (layers + seconds) * attention + layers * (experts * feedforward + router)
    used = (layers + seconds) * attention + layers * (passed * feedforward + router)
    heads = {"bert": 2 * D * D + 2 * D}.get(config.family, 0)  # pooler, dense of the word head, next sentence
    embedding = V * D
    parameters = matrices + heads + _vectors(config) + _tables(config) + embedding * (1 if config.tied else 2)
    seen = T if config.family == "bert" else T / 2  # earlier tokens on average, or all
    seen = min(seen, config.window) if config.window else seen
    looked = int(2 * 2 * inner * ((layers * seen) + seconds * T))  # scores and weighted sum
    forward = 2 * (used + heads + V * D) + looked
    # Kept for backward per token and layer: 4 stream-sized norm/residual tensors, q k v and their normed and turned
    # forms, attention's output, 4 inner feed-forward tensors; and 2 logits-sized chunks (objectives.CHUNK_TOKENS).
    per_layer = 4 * D + 4 * inner + 5 * inner_kv + 4 * config.feedforward_width * passed
    activations = batch_size * T * ((layers + seconds) * per_layer + 4 * D) + 2 * min(batch_size * T, 1024) * V
    muon = optimizer == "muon"
    states = (parameters - matrices) * 2 + matrices * OPTIMIZER_STATES["muon"] if muon else parameters * 2
    return Counts(
        parameters=parameters,
        embedding_parameters=embedding,
        matrix_parameters=matrices,
        flops_per_token_forward=forward,
        flops_per_token=3 * forward,
        weight_bytes=parameters * bytes_per_number,
        gradient_bytes=parameters * bytes_per_number,
        optimizer_bytes=states * BYTES_FP32,
        activation_bytes=activations * bytes_per_number,
        kv_cache_bytes_per_token=2 * config.depth * inner_kv * bytes_per_number,
    )


def _vectors(config: ModelConfig) -> int:
    """Norms and biases."""
    D, inner, inner_kv = config.width, config.num_heads * config.head_dim, config.num_kv_heads * config.head_dim
    numbers = {"rms": 1, "layer": 2, "none": 0}.get(config.norm, 1)  # for each channel
    layers, seconds = config.depth + config.decoder_depth, config.decoder_depth
    halves = 2 if config.decoder_depth else 1
    last = halves if config.norm_place == "pre" else 1 if config.family == "bert" else 0
    norms = (2 * layers + seconds + last) * D * numbers
    if config.qk_norm:
        norms += (layers + seconds) * 2 * config.head_dim * (numbers or 1)
    biases = 0
    if config.bias:
        gates = 2 if config.feedforward in GATED else 1
        feedforward = gates * config.feedforward_width + D
        biases = (layers + seconds) * (inner + 2 * inner_kv + D) + layers * max(1, config.num_experts) * feedforward
    # bert: the norm and bias of the word head, the pooler, the next sentence, one bias for each word
    heads = 2 * D + D + D + 2 + config.vocabulary_size if config.family == "bert" else 0
    return norms + biases + heads


def _tables(config: ModelConfig) -> int:
    """Learned positions and segments."""
    halves = 2 if config.decoder_depth else 1
    positions = {
        "learned": config.context_length * config.width,
        "relative": config.relative_buckets * config.num_heads,
    }.get(config.position, 0)
    return halves * positions + config.num_segments * config.width
