"""The settings of customer service, with the origin of every default."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from groundup.core.recipe import Options


class Policy(Options):
    """The rules of the shop, enforced in `policy.py`; the words on the pages must say the same."""

    return_days: int = Field(default=30, ge=0)  # the shop's page "returns"
    changes_until: tuple[str, ...] = ("placed", "packed")  # states in which an order may be cancelled or readdressed
    wrong_identity: int = Field(default=3, ge=1)  # taste: typos are forgiven, guessing is not
    wrong_identity_a_day: int = Field(
        default=10, ge=1
    )  # for one order over all conversations, against patient guessing


class SupportOptions(Options):
    """How the assistant speaks and what stands behind it."""

    company: str = "Lumen and Oak"
    documents: Path | None = None  # the company's own pages; None: the shipped sample pages
    policy: Policy = Policy()
    in_scope: float = Field(default=0.34, ge=0, le=1)  # measured on the simulator: .1 to .34 pass .988, .45 passes .976
    intents: Path | None = None  # a classifier tuned by the recipe `support`; None: the linear one of the templates
    synonyms: Path | None = None  # a text file, one group a line; None: the shipped one
    answer_threshold: float = Field(
        default=0.6, ge=0, le=1
    )  # set on `evaluate.QUESTIONS`: 18 of 22 right, 20 of 20 refused
    database_url: str = ""  # any SQLAlchemy URL (postgresql://...); "" keeps shop.sqlite in the application's folder
    generator_url: str = ""  # an OpenAI-compatible server that may propose tool calls; policy still decides
    generator_model: str = "groundup"
    generator_key: str = ""  # where that server asks for one; --set generator_key=@FILE keeps it out of the history
