"""What pretraining and tuning share in the recipe: optimizer, schedule, batch, how often to look and to save."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from groundup.core.recipe import Options


class PrivacyOptions(Options):
    """dp = {epsilon = 8}: learn with differential privacy (Abadi et al. 2016). Give `epsilon` or `noise`.

    What is protected is one row of a batch: whoever sees the model can hardly tell whether that row was learned from.
    """

    epsilon: float | None = Field(default=None, gt=0)  # the promise for the whole run; the noise follows
    noise: float | None = Field(default=None, ge=0)  # standard deviation over the clipping norm; epsilon follows
    delta: float | None = Field(default=None, gt=0, lt=1)  # None: a tenth of 1 / rows (must be well below 1 / rows)
    clip: float = Field(default=1.0, gt=0)  # largest norm of one row's gradient; 0.1 to 1 for language (Li et al. 2022)

    @model_validator(mode="after")
    def _one_promise(self) -> PrivacyOptions:
        if (self.epsilon is None) == (self.noise is None):
            raise ValueError("give 'epsilon' (and the noise follows) or 'noise' (and epsilon follows)")
        return self


class OptimizerOptions(Options):
    """One training run. A stage derives its table from this one and changes the defaults that differ."""

    steps: int | None = Field(default=None, ge=1)  # optimizer steps; None: the stage decides
    batch_size: int = Field(default=16, ge=1)  # sequences in memory at once; 16 x 256 tokens: measured best on 2 cores
    accumulate: int = Field(default=1, ge=1)  # such batches summed before one step

    # Muon, 0.02, 0.02: the best of 8 settings at the demo's shape (depth 4, stories, 614,400 tokens, seed 1): 0.444 bits
    # per byte on held-out stories; Muon at 0.01 0.447, at 0.004 0.458; AdamW at 0.008 0.459, at 0.004 0.470.
    optimizer: Literal["muon", "adamw"] = "muon"
    learning_rate: float = Field(default=0.02, gt=0)  # peak for embeddings, heads and vectors (always AdamW)
    matrix_learning_rate: float | None = Field(default=None, gt=0)  # peak for the blocks' matrices; None: by optimizer
    find_rate: bool = False  # try rates for 60 steps first and multiply both by what was found (Smith 2017)
    weight_decay: float = Field(default=0.1, ge=0)  # of matrices, not of embeddings and norms (Olmo 3, SmolLM3)
    betas: tuple[float, float] = (0.9, 0.95)  # AdamW (GPT-3, Olmo 3)
    momentum: float = Field(default=0.9, ge=0, lt=1)  # Muon, Nesterov; short runs: 0.9 0.439, Jordan's 0.95 0.444
    clip: float = Field(default=1.0, ge=0)  # largest gradient norm (GPT-3); 0: never clip

    schedule: Literal["wsd", "cosine", "linear", "inverse_sqrt"] = "wsd"  # warm-up, stable, decay
    warmup_steps: int = Field(default=40, ge=0)  # nanochat; never more than a fifth of the run
    decay_share: float = Field(default=0.65, ge=0, le=1)  # wsd: the last part of the run, linearly down (nanochat)
    final_share: float = Field(default=0.05, ge=0, le=1)  # of the peak rate at the last step (nanochat)

    average: float = Field(
        default=0, ge=0, lt=1
    )  # decay of an average of the weights that is kept at the end, 0.999; 0: none
    # Stop after so many looks whose first number was no better (a loss or bits per byte: lower; others: higher), and
    # end with the weights of the best look. 0: never stop, end with the last ones.
    patience: int = Field(default=0, ge=0)
    # A finite batch is skipped when its gradient norm is this many times the median of the last 50 steps, and its loss
    # above all of theirs; three in a row roll back. 0: never. Taste: ordinary spikes here stay below 4.
    spike: float = Field(default=10, ge=0)
    dp: PrivacyOptions | None = None  # learn with differential privacy

    recompute: bool = False  # layers are computed again in backward: less memory, a third more work (Chen et al. 2016)
    parallel: Literal["ddp", "fsdp"] = "ddp"  # several processes: whole models, or (what is too large) shares of one
    precision: Literal["auto", "fp32", "bf16"] = "auto"  # auto: a short matmul decides
    eval_every: int = Field(default=100, ge=0)  # steps between looks at the validation split; 0: only at the end
    sample_every: int = Field(default=200, ge=0)  # steps between samples of text; 0: only at the end
    checkpoint_every_seconds: float = Field(default=60, ge=0)  # taste: at most a minute is lost; 0: see steps
    checkpoint_every_steps: int = Field(default=0, ge=0)  # 0: by the clock alone
    tensorboard: bool = False  # also write TensorBoard's events (extra: track)
    keep_checkpoints: int = Field(default=2, ge=1)  # one more than needed, should the newest be damaged

    @model_validator(mode="after")
    def _private_rates(self) -> OptimizerOptions:
        if self.dp is not None and self.find_rate:
            raise ValueError("'find_rate' looks at rows without noise, which 'dp' promises not to do; leave it out")
        return self
