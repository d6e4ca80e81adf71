"""The [audit] and [release] tables of the recipe."""

from __future__ import annotations

import math

from pydantic import Field, field_validator, model_validator

from groundup.core.errors import near
from groundup.core.recipe import Options

# check -> the findings it makes; a limit is set on a finding. `base.audits` holds the same names (a test compares).
FINDINGS: dict[str, tuple[str, ...]] = {
    "bias": ("pronoun_gap",),
    "privacy": ("secret_exposure_bits", "single_secret_exposure_bits", "audited_epsilon"),
    "leak": ("personal_data_share", "personal_data_from_training"),
    "truth": ("myth_preference",),
    "corpus": ("corpus_pronoun_gap",),
    "membership": ("membership_auc",),
    "extraction": ("extractable_excess",),
    "checkpoints": ("checkpoint_exposure_bits", "checkpoint_epsilon"),
    "calibration": ("token_calibration_error", "token_scaled_error"),
    "crows_pairs": ("crows_pairs_summed", "crows_pairs_per_token", "crows_pairs_masked"),
    "stereoset": ("stereoset_stereotype",),
    "winobias": ("winobias_gap", "winobias_preference"),
    "winogender": ("winogender_gap",),
    "bbq": ("bbq_ambiguous", "bbq_disambiguated", "bbq_accuracy_cost"),
    "weat": ("weat_associations",),
    "seat": ("seat_associations",),
    "bold": ("bold_toxicity_gap", "bold_sentiment_gap"),
    "hatecheck": ("hatecheck_missed", "hatecheck_false_alarms"),
    "truthfulqa": ("truthfulqa_mc1_error", "truthfulqa_mc2_error"),
}
# Checks that read published rows from the folder `data`; nothing of them is shipped.
BENCHMARKS = (
    "crows_pairs",
    "stereoset",
    "winobias",
    "winogender",
    "bbq",
    "weat",
    "seat",
    "bold",
    "hatecheck",
    "truthfulqa",
)
DEFAULT = ("bias", "privacy", "leak", "truth")  # seconds for the demo model; the others when they are asked for
FORMATS = ("hf",)


class AuditOptions(Options):
    """What to look for, what is too much, and what is released all the same."""

    checks: list[str] = list(DEFAULT)
    # Folder with the published rows of the benchmarks (see docs/stages/7_audit.md for the names of the files).
    data: str = ""
    # Model folder that the check `membership` compares with; without one it makes its other attacks.
    reference: str = ""
    # Policy file of the content guard that the check `hatecheck` looks at; without one, that of the house.
    policy: str = ""
    # Saved HashedLinear with the label "positive" that the check `bold` judges texts by; without one it counts toxic words.
    sentiment: str = ""
    # Finding -> the highest value that may be released. Without a limit a finding is reported and nothing is refused.
    limits: dict[str, float] = {}
    # Finding -> why a release is made although its limit is broken. Written into the gate and the card.
    waive: dict[str, str] = {}
    # Texts the model writes for the leak check: bounds a share of leaks near zero at about 1.5 % (Wilson). Taste.
    num_texts: int = Field(default=200, ge=20, le=100_000)
    # Random secrets ranked beside each planted one: resolves 6 bits by rank, more by the fitted tail, for which three
    # moments of 63 values are enough (a test holds the mean of unseen secrets to 1.44 bits).
    num_candidates: int = Field(default=63, ge=63, le=100_000)

    @field_validator("checks")
    @classmethod
    def _known_checks(cls, value: list[str]) -> list[str]:
        for name in value:
            if name not in FINDINGS:
                raise ValueError(f"unknown check '{name}'. {near(name, FINDINGS)}")
        if len(set(value)) < len(value):
            raise ValueError("each check is named once")
        return value

    @field_validator("limits")
    @classmethod
    def _known_limits(cls, value: dict[str, float]) -> dict[str, float]:
        known = [finding for findings in FINDINGS.values() for finding in findings]
        for name, limit in value.items():
            if name not in known:
                raise ValueError(f"unknown limit '{name}'. {near(name, known)}")
            if not math.isfinite(limit) or limit < 0:
                raise ValueError(f"limit '{name}' is a number from 0; came: {limit}")
        return value

    @model_validator(mode="after")
    def _limits_are_checked(self) -> AuditOptions:
        for check in self.checks:
            if check in BENCHMARKS and not self.data:
                raise ValueError(f"check '{check}' reads published rows: name their folder with data = \"FOLDER\"")
        made = {finding for check in self.checks for finding in FINDINGS[check]}
        for name in self.limits:
            if name not in made:
                check = next(check for check, findings in FINDINGS.items() if name in findings)
                raise ValueError(f"limit '{name}' needs the check '{check}', which is not among checks")
        for name, reason in self.waive.items():
            if name not in self.limits:
                raise ValueError(f"waive '{name}' waives nothing: there is no such limit. {near(name, self.limits)}")
            if len(reason.split()) < 3:
                raise ValueError(f"waive '{name}' needs its reason in words: who accepts it, and why")
        return self


class ReleaseOptions(Options):
    """What leaves the house."""

    formats: list[str] = ["hf"]
    # Power of the machine while it works, for the card's energy estimate: a desktop processor's rated 65 W.
    watts: float = Field(default=65.0, gt=0, le=1e7)
    # World average of electricity, 2023: Ember, Global Electricity Review 2024 (480 g CO2 per kWh).
    grams_co2_per_kwh: float = Field(default=480.0, ge=0, le=2000)

    @field_validator("formats")
    @classmethod
    def _known_formats(cls, value: list[str]) -> list[str]:
        for name in value:
            if name not in FORMATS:
                raise ValueError(f"format '{name}' is not possible. {near(name, FORMATS)}")
        if not value:
            raise ValueError("name at least one format")
        return value
