"""The [finetune] table: named steps, each a training of its own, carried out in order.

[finetune]
steps = ["chat", "manners"]     # optional: which, in which order; left out: all, as written
[finetune.chat]
data = ["stories:chat", "samples:small_talk"]
[finetune.manners]
data = ["my/conversations.jsonl"]
epochs = 3
"""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from groundup.core.errors import RecipeError, near
from groundup.core.recipe import Options
from groundup.finetune.prompts import check_template
from groundup.train.options import OptimizerOptions


class LoraOptions(Options):
    """Adapters instead of all weights: lora = {rank = 8}."""

    rank: int = Field(default=8, ge=1, le=1024)  # Hu et al. 2022: 4 to 8 suffice; more for large data
    alpha: float = Field(default=16, gt=0)  # the adapters' weight is alpha / rank; twice the rank, the field's habit
    # All linear layers of the blocks (Schulman et al. 2025: attention alone is worse).
    targets: list[Literal["query", "key", "value", "output", "gate", "up", "down"]] = Field(
        default=["query", "key", "value", "output", "gate", "up", "down"], min_length=1
    )


class PreferOptions(Options):
    """Method "prefer" (DPO): prefer = {beta = 0.1}."""

    beta: float = Field(default=0.1, gt=0)  # how close to stay to the model it starts from (Rafailov et al. 2023)
    smoothing: float = Field(default=0.0, ge=0, lt=0.5)  # share of pairs that are the wrong way round (Mitchell 2023)
    chosen_weight: float = Field(default=0.0, ge=0)  # of the plain loss on better answers (Pang et al. 2024: 1)


class ReinforceOptions(Options):
    """Method "reinforce" (GRPO): reinforce = {rewards = {number = 1.0}, answers = 8}."""

    rewards: dict[str, float] = Field(default={"exact": 1.0}, min_length=1)  # rules (see `rewards`) and their weights
    pattern: str = ""  # of the rule "pattern": a regular expression for the whole answer
    answers: int = Field(default=8, ge=2, le=256)  # to each question (trl)
    max_tokens: int = Field(default=32, ge=1)  # of an answer; taste: numbers and short sentences
    temperature: float = Field(default=1.0, gt=0, le=2)  # (Olmo 3)
    kl: float = Field(default=0.0, ge=0)  # 0: free to move (Olmo 3, DAPO); DeepSeekMath 0.04

    @model_validator(mode="after")
    def _known_rules(self) -> ReinforceOptions:
        from groundup.finetune.rewards import PATTERN, names

        for name in self.rewards:
            if name not in names():
                raise ValueError(f"there is no reward '{name}'. {near(name, names())}")
        if (PATTERN in self.rewards) != bool(self.pattern):
            raise ValueError("'pattern' and the reward 'pattern' go together: give both or neither")
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise ValueError(f"'pattern' is no regular expression: {error}") from None
        return self


class DistillOptions(Options):
    """Learn from a larger model: distill = {teacher = "folder"}, method "chat"."""

    teacher: str = Field(min_length=1)  # a model folder with the same tokenizer (for "generated" any)
    how: Literal["logits", "generated"] = "logits"  # its probabilities (Hinton 2015), or its answers (Kim, Rush 2016)
    share: float = Field(default=0.5, gt=0, le=1)  # of the loss that is the teacher's; the rest is the data's (taste)
    temperature: float = Field(default=2.0, gt=0)  # softens both sides (Hinton et al. 2015: 1 to 20; 2 is usual)


REPLAY = 0.1  # docs/log.md

# Peak rate of adapters under AdamW. Dettmers et al. 2023 take 2e-4 for 7B parameters, and small models bear more; about
# ten times the rate of full tuning (Schulman et al. 2025). Taste within these.
LORA_RATE = 5e-4
LORA_FACTOR = 10  # Schulman et al. 2025, for the methods below

# Peak rates, AdamW, of methods that sharpen what a model can already do: far below tuning's. The larger the model the
# lower (Rafailov et al. 2023: 1e-6; trl: 1e-6); these suit models made here.
METHOD_RATES = {"prefer": 5e-5, "reinforce": 1e-4, "embed": 5e-4}


class StepOptions(OptimizerOptions):
    """One step: what is learned (`method`), from what (`data`), for how long, and the optimizer's settings.

    Rates are for tuning a model made here; one given by `model.from` wants about a hundredth of them.
    """

    # chat: conversations, loss on the assistant's words only (also for pairs of text and target: summaries, translation,
    # questions). extract: the same, to JSON. classify: a head with the labels of the data. qa: a head that marks the
    # answer in the text (SQuAD). tag: a head that marks and names spans. embed: sentence vectors. reward: a head that
    # judges answers. prefer: DPO. reinforce: GRPO with rules as rewards.
    method: Literal["chat", "extract", "classify", "qa", "tag", "embed", "reward", "prefer", "reinforce"] = "chat"
    data: list[str] | None = None  # addresses (see `data`); None: all that the stages before left, and small talk
    weights: dict[str, float] = Field(default_factory=dict)  # address -> how often its examples are shown; else 1
    columns: dict[str, str] = Field(default_factory=dict)  # for files: our name -> the column's, {text = "review"}
    template: str | None = None  # what the user says for examples that are no conversations: "{text} {question}"
    on_broken: Literal["skip", "stop"] = "skip"  # a row of a file that cannot be used
    # Share of the rows that are plain text of the pretraining, so that it is not forgotten; chat only. None: REPLAY where
    # the run holds such text, else 0.
    replay: float | None = Field(default=None, ge=0, lt=1)
    epochs: float | None = Field(default=None, gt=0)  # times through the data; None: the plan's, else 2 (MiniMind)

    freeze: int = Field(default=0, ge=0)  # the embeddings and so many blocks, from below, do not learn; 0: all learn
    # classify: what the head reads of a text. own: the family's place (see `framing`). mean: the average of the tokens, as
    # models of sentence vectors are trained: MiniLM, and what "embed" leaves.
    pooling: Literal["own", "mean"] = "own"
    prefer: PreferOptions = Field(default_factory=PreferOptions)
    reinforce: ReinforceOptions = Field(default_factory=ReinforceOptions)
    distill: DistillOptions | None = None
    # Held-out questions answered in full at every look, marked by their task (exact match, ROUGE-L, chrF, field F1). None:
    # 32 for "extract", else 0: writing takes longer than reading.
    answers_scored: int | None = Field(default=None, ge=0)

    lora: LoraOptions | None = None  # {rank = 8}: adapters learn, the weights stay; merged at the end. None: all learn

    learning_rate: float = Field(default=3.2e-3, gt=0)  # 0.8 of pretraining's (nanochat)
    matrix_learning_rate: float = Field(default=0.016, gt=0)  # the same
    weight_decay: float = Field(default=0.0, ge=0)  # nanochat
    decay_share: float = Field(default=0.5, ge=0, le=1)  # the last half, down to ... (nanochat)
    final_share: float = Field(default=0.0, ge=0, le=1)  # ... zero (nanochat)

    def settings(self) -> StepOptions:
        """With the optimizer's settings in effect: adapters and some methods get AdamW and a rate of their own unless
        the recipe says."""
        own = METHOD_RATES.get(self.method, None if self.lora is None else LORA_RATE)
        if own is None:
            return self
        if self.lora is not None and self.method in METHOD_RATES:
            own *= LORA_FACTOR
        rate = self.learning_rate if "learning_rate" in self.model_fields_set else own
        wanted = {"optimizer": "adamw", "learning_rate": rate, "matrix_learning_rate": rate}
        return self.model_copy(update={key: value for key, value in wanted.items() if key not in self.model_fields_set})

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, values: Any) -> Any:
        # Sub-tables have free names, so core.recipe cannot list the keys allowed inside one; here they are known.
        if isinstance(values, dict):
            for key in values:
                if key not in cls.model_fields:
                    raise ValueError(f"unknown key '{key}'. {near(key, cls.model_fields)}")
        return values

    @field_validator("template")
    @classmethod
    def _template_fields(cls, template: str | None) -> str | None:
        try:
            return None if template is None else check_template(template)
        except RecipeError as error:
            raise ValueError(f"{error.message} {error.repair}") from None

    @model_validator(mode="after")
    def _sensible(self) -> StepOptions:
        if self.data is not None and not self.data:
            raise ValueError("'data' is empty; leave it out to take all there is")
        if self.steps is not None and self.epochs is not None:
            raise ValueError("give 'steps' or 'epochs', not both")
        if self.method != "chat" and self.replay:
            raise ValueError(f"'replay' belongs to method 'chat'; '{self.method}' does not write text")
        given = {
            "prefer": self.prefer != PreferOptions(),
            "reinforce": self.reinforce != ReinforceOptions(),
            "chat": self.distill is not None,
        }
        for method, is_given in given.items():
            if is_given and self.method != method:
                name = "distill" if method == "chat" else method
                raise ValueError(f"'{name}' belongs to method '{method}', this step's is '{self.method}'")
        if self.answers_scored and self.method not in ("chat", "extract"):
            raise ValueError(f"'answers_scored' is for methods that write; '{self.method}' has its own numbers")
        if self.pooling != "own" and self.method != "classify":
            raise ValueError(f"'pooling' belongs to method 'classify', this step's is '{self.method}'")
        if self.freeze and self.lora is not None:
            raise ValueError("'freeze' and 'lora' exclude each other: with adapters all weights stay as they are")
        if self.method == "reinforce" and self.batch_size % self.reinforce.answers:
            raise ValueError(
                f"batch_size counts answers: {self.batch_size} is no multiple of the {self.reinforce.answers} per question"
            )
        if self.method == "qa" and self.template is not None:
            raise ValueError(
                "'template' has no use for method 'qa': question and text are put together by a fixed rule"
            )
        unknown = sorted(set(self.weights) - set(self.data if self.data is not None else self.weights))
        if unknown:
            raise ValueError(f"weights names '{unknown[0]}', which is not in data. {near(unknown[0], self.data or [])}")
        if any(not 0 < weight <= 100 for weight in self.weights.values()):
            raise ValueError("weights must be above 0 and at most 100")
        return self


class FinetuneOptions(Options):
    """See the module. Without any sub-table there is one step, "chat"."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, StepOptions] = Field(init=False)

    steps: list[str] | None = None  # None: all sub-tables in the order written

    @model_validator(mode="before")
    @classmethod
    def _tables(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        for name, table in values.items():
            if name != "steps" and not isinstance(table, dict | StepOptions):
                raise ValueError(f"'{name}' stands outside of a step; write it in [finetune.chat], or another name")
            if name != "steps" and not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", name):
                raise ValueError(f"'{name}' is no name for a folder: letters, digits, _ and - only")
        return values if any(name != "steps" for name in values) else {**values, "chat": {}}

    @model_validator(mode="after")
    def _ordered(self) -> FinetuneOptions:
        tables = self.__pydantic_extra__
        if self.steps is not None:
            for name in self.steps:
                if name not in tables:
                    raise ValueError(f"steps names '{name}', but there is no [finetune.{name}]. {near(name, tables)}")
            unused = [name for name in tables if name not in self.steps]
            if unused or len(set(self.steps)) != len(self.steps):
                what = f"leaves out [finetune.{unused[0]}]" if unused else "names a step twice"
                raise ValueError(f"steps {what}; name every sub-table once, or leave steps out")
        return self

    @property
    def ordered(self) -> dict[str, StepOptions]:
        """The steps by name, in the order in which they are carried out."""
        tables = self.__pydantic_extra__
        return {name: tables[name] for name in (self.steps or tables)}
