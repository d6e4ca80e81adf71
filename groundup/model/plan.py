"""What a config costs before anything is built: parameters, FLOPs, memory.

Counting follows Kaplan et al. 2020 and PaLM's appendix: a multiply-add is 2 FLOPs, backward costs twice forward,
attention scores and their use are counted over the causal half.
"""

from __future__ import annotations

from dataclasses import dataclass

from groundup.model.config import ModelConfig
from groundup.model.rules import GATED, is_modern_bert

BYTES_FP32 = 4
GATE_INPUTS, PAIRS_PER_TOKEN = 12, 4  # families/speedrun.py, which loads torch
MASKED = 0.15  # of the tokens a bert reads, guessed (pretrain.mask_share)
WRITTEN = 0.2  # tokens an encoder-decoder writes for each one it reads (denoising: spans and their signs)
LONGEST = 1024  # layers/blocked.py
# Inner-sized tensors that backward needs: gated: gate, up, activation (SwiGLU makes it again), product; plain: before and
# after the activation, of ReLU only after it.
FEEDFORWARD_KEEPS = {"swiglu": 3, "relu": 1, "relu2": 2, "gelu": 2, "gelu_tanh": 2}
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
    activation_bytes: int  # kept from forward to backward
    logits_bytes: int  # alive while the loss is computed in chunks
    kv_cache_bytes_per_token: int

    @property
    def training_bytes(self) -> int:
        """The most that is held at one moment of a step: weights, optimizer, and either what forward kept with the loss's
        chunks, or, at the end of backward, all gradients and once more that of the embedding."""
        backward_ends = self.gradient_bytes * (1 + self.embedding_parameters / self.parameters)
        return (
            self.weight_bytes
            + self.optimizer_bytes
            + max(self.activation_bytes + self.logits_bytes, int(backward_ends))
        )


def count(
    config: ModelConfig,
    *,
    batch_size: int = 1,
    bytes_per_number: int = BYTES_FP32,
    optimizer: str = "adamw",
    keeps_scores: bool = True,
    recompute: bool = False,
) -> Counts:
    """The costs of a config of any family. batch_size: sequences of context_length computed at once.

    FLOPs are for each token read: of a bert's, MASKED are guessed; an encoder-decoder writes WRITTEN tokens for each one (its
    usual objectives; translation writes more). Of experts, FLOPs count those a token passes, memory all.
    keeps_scores: attention keeps its probabilities for backward, as ours does on CPUs (layers/blocked.py); GPUs' does not.
    recompute: only what enters each layer is kept, and one layer at a time is computed again (train/recompute.py).
    """
    D, V = config.width, config.vocabulary_size
    embedding, matrices = V * D, _matrices(config)
    heads = 0
    if config.family == "bert":  # the dense of the word head; the original has a pooler and next sentence too
        heads = D * D if is_modern_bert(config) else 2 * D * D + 2 * D
    parameters = matrices + heads + _vectors(config) + _tables(config) + embedding * (1 if config.tied else 2)
    forward = _forward_flops(config)
    kept = _kept(config, keeps_scores, batch_size, recompute)
    guessed = {"bert": MASKED, "encoder_decoder": WRITTEN}.get(config.family, 1.0) * batch_size * config.context_length
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
        activation_bytes=int(kept * bytes_per_number),
        logits_bytes=int(2 * min(guessed, _chunk(V)) * V) * BYTES_FP32,
        kv_cache_bytes_per_token=2 * config.cache_layers * config.num_kv_heads * config.head_dim * bytes_per_number,
    )


def _chunk(vocabulary_size: int) -> int:
    """Positions whose logits are held at once: train.objectives.chunk_size, which loads torch."""
    return max(256, min(1024, (1 << 22) // vocabulary_size))


def _attention_matrices(config: ModelConfig) -> int:
    D, inner, inner_kv = config.width, config.num_heads * config.head_dim, config.num_kv_heads * config.head_dim
    return 2 * D * inner + 2 * D * inner_kv


def _feedforward_matrices(config: ModelConfig) -> int:
    return (3 if config.feedforward in GATED else 2) * config.width * config.feedforward_width


def _matrices(config: ModelConfig) -> int:
    """Numbers in the blocks' matrices; a decoder over a source has a second attention in each layer."""
    layers, seconds = config.depth + config.decoder_depth, config.decoder_depth
    experts = max(1, config.num_experts) * _feedforward_matrices(config) + config.width * config.num_experts
    return (layers + seconds) * _attention_matrices(config) + layers * experts


def _forward_flops(config: ModelConfig) -> int:
    """For each token read: two for each number of each matrix it passes, and the scores with their weighted sums."""
    D, T, V, inner = config.width, config.context_length, config.vocabulary_size, config.num_heads * config.head_dim
    attention, passed = _attention_matrices(config), config.experts_per_token if config.num_experts else 1
    layer = attention + passed * _feedforward_matrices(config) + D * config.num_experts
    if config.family == "encoder_decoder":
        written = WRITTEN * T
        encoder = config.depth * (2 * layer + 4 * inner * T)
        # Keys and values of the second attention are made of the source, queries and output of what is written.
        decoder = config.decoder_depth * (WRITTEN * (2 * layer + attention + 4 * inner * (written / 2 + T)) + attention)
        return int(encoder + decoder + 2 * WRITTEN * V * D)
    guessed = 2 * (V * D + D * D) * MASKED if config.family == "bert" else 2 * V * D
    return int(config.depth * 2 * layer + 4 * inner * _seen(config) + guessed)


def _kept(config: ModelConfig, keeps_scores: bool, batch_size: int, recompute: bool) -> float:
    """Numbers kept for backward, for a batch."""
    D, T, inner = config.width, config.context_length, config.num_heads * config.head_dim
    inner_kv = config.num_kv_heads * config.head_dim
    # A sub-layer: the stream, and what its norm made of it. q, k, v as attention takes them, and what it gives; the ones
    # before QK-norm. Feed-forward: see FORWARD_KEEPS.
    attention = 2 * D + 4 * inner + (inner + inner_kv if config.qk_norm else 0)
    passed = config.experts_per_token if config.num_experts else 1
    feedforward = 2 * D + FEEDFORWARD_KEEPS.get(config.feedforward, 4) * config.feedforward_width * passed
    if config.num_experts:  # what each expert reads and gives lies apart
        feedforward += 3 * passed * D
    biased = config.position in ("alibi", "relative") or config.window or config.dropout
    own = config.family == "custom" and not biased  # else its attention is PyTorch's, as is that of the others
    ours = (own or config.family in ("gpt", "speedrun")) and T <= LONGEST
    scores = config.num_heads * (_seen(config) / config.depth + 32) if keeps_scores and ours else 0
    if config.attention_softcap:  # written out: scores, tanh, probabilities
        scores = 4 * config.num_heads * T
    tokens = batch_size * T
    layer, between = attention + feedforward + scores, 3 * D
    kept = tokens * (config.depth * D + layer + between if recompute else config.depth * layer + between)
    if config.decoder_depth:  # the second attention keeps keys and values of the source
        second = 2 * attention + feedforward + 2 * inner / WRITTEN
        depth = config.decoder_depth
        kept += WRITTEN * tokens * (depth * D + second + between if recompute else depth * second + between)
    return kept + config.vocabulary_size * D  # the loss makes the output matrix's gradient on the way


def _seen(config: ModelConfig) -> float:
    """Tokens a query sees on average, summed over the layers (of both halves)."""
    T, layers = config.context_length, config.depth + config.decoder_depth
    everything = T if config.family == "bert" else T / 2  # earlier ones only, or all
    if not config.window:
        return layers * everything
    if config.global_every:
        whole = sum(1 for layer in range(layers) if layer % config.global_every == config.global_every - 1)
        if config.family == "bert":  # the first of every n, not the last
            whole = -(-layers // config.global_every)
    else:
        whole = 0
    if config.family == "speedrun" and (not config.global_every or layers % config.global_every):
        whole += 1  # its last layer
    return whole * everything + (layers - whole) * min(everything, config.window)


def _vectors(config: ModelConfig) -> int:
    """Norms and biases."""
    D, inner, inner_kv = config.width, config.num_heads * config.head_dim, config.num_kv_heads * config.head_dim
    numbers = {"layer": 2, "none": 0, "rms_bare": 0}.get(config.norm, 1)  # for each channel
    layers, seconds = config.depth + config.decoder_depth, config.decoder_depth
    halves = 2 if config.decoder_depth else 1
    last = halves if config.norm_place != "post" else 1 if config.family == "bert" else 0
    norms = (2 * layers + seconds + last) * D * numbers
    if config.qk_norm:
        normed = inner + inner_kv if config.qk_norm_whole else 2 * config.head_dim
        norms += (layers + seconds) * normed * (1 if config.norm == "none" else numbers)
    biases = 0
    if config.bias:
        gates = 2 if config.feedforward in GATED else 1
        feedforward = gates * config.feedforward_width + D
        biases = (layers + seconds) * (inner + 2 * inner_kv + D) + layers * max(1, config.num_experts) * feedforward
    # bert: the norm and bias of the word head, the pooler, the next sentence, one bias for each word
    heads = 2 * D + D + D + 2 + config.vocabulary_size if config.family == "bert" else 0
    if is_modern_bert(config):  # the norm of the embedding stands for the first layer's own; norm and bias of the head
        heads = D + config.vocabulary_size
    gated = min(GATE_INPUTS, D)
    scalars = {"residual_scalars": 2 * layers, "backout": 1, "smear": gated}
    scalars["value_embeddings"] = -(-layers // 2) * gated * config.num_kv_heads
    return norms + biases + heads + sum(scalars.get(name, 0) for name in config.extras)


def _tables(config: ModelConfig) -> int:
    """Learned positions, segments, and what speedrun looks up."""
    halves = 2 if config.decoder_depth else 1
    positions = {
        "learned": config.context_length * config.width,
        "relative": config.relative_buckets * config.num_heads,
    }.get(config.position, 0)
    V, values = config.vocabulary_size, config.num_kv_heads * config.head_dim
    looked_up = {"value_embeddings": -(-config.depth // 2) * V * values, "bigrams": PAIRS_PER_TOKEN * V * config.width}
    own = sum(looked_up.get(name, 0) for name in config.extras)
    return halves * positions + config.num_segments * config.width + own
