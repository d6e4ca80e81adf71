"""What a config costs before anything is built: parameters, FLOPs, memory.

Counting follows Kaplan et al. 2020 and PaLM's appendix: a multiply-add is 2 FLOPs, backward costs twice forward,
attention scores and their use are counted over the causal half.
"""

from __future__ import annotations

from dataclasses import dataclass

from groundup.model.config import ModelConfig

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
    """The costs of a `gpt` config. batch_size: sequences of context_length computed at once."""
    D, F, T, V = config.width, config.feedforward_width, config.context_length, config.vocabulary_size
    inner, inner_kv = config.num_heads * config.head_dim, config.num_kv_heads * config.head_dim
    matrices = config.depth * (2 * D * inner + 2 * D * inner_kv + 3 * D * F)
    norms = config.depth * (2 * D + 2 * config.head_dim) + D
    embedding = V * D
    parameters = matrices + norms + embedding * (1 if config.tied else 2)
    attention = 2 * 2 * config.depth * inner * T // 2  # scores and weighted sum over T/2 earlier tokens on average
    forward = 2 * (matrices + V * D) + attention
    # Kept for backward per token and layer: 4 stream-sized norm/residual tensors, q k v and their normed and turned
    # forms, attention's output, 4 inner feed-forward tensors; and 2 logits-sized chunks (objectives.CHUNK_TOKENS).
    per_layer = 4 * D + 4 * inner + 5 * inner_kv + 4 * F
    activations = batch_size * T * (config.depth * per_layer + 4 * D) + 2 * min(batch_size * T, 1024) * V
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
