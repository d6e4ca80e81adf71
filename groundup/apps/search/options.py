"""The settings of search, with the origin of every default."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from groundup.core.recipe import Options


class SearchOptions(Options):
    """How documents are cut, ranked and answered from."""

    passage_words: int = Field(default=120, ge=20, le=1000)  # taste: one paragraph; also under MiniLM's 256 word pieces
    encoder: str = ""  # "minilm", or a run or model folder of ours; "" searches by words alone, which needs no weights
    rerank: str = ""  # the folder of a cross-encoder made by `learning`: reads the first 20 again, a second on one core
    fusion: Literal["sum", "rank"] = "sum"  # measured on Cranfield: nDCG@10 .423 against .418 for "rank"
    dense_weight: float = Field(
        default=0.5, ge=0, le=1
    )  # equal legs: no weight was fitted to Cranfield, which measures it
    depth: int = Field(
        default=100, ge=1, le=1000
    )  # how far down each leg is read before fusion; the usual value of BEIR runs
    title_weight: float = Field(default=2.0, ge=0)  # taste: a word of the title tells more than a word of the text
    synonyms: Path | None = None  # a text file of the user: one line a group, "sofa, couch, settee"
    # Measured on 2,938 other SQuAD questions, half without their article: at 0.25, 95 % of the unanswerable are refused
    # and 70 % of the answers given are right; 0.15 gives 89 % and 62 %, 0.40 gives 98 % and 75 %.
    answer_threshold: float = Field(default=0.25, ge=0, le=1)
    generator_url: str = ""  # an OpenAI-compatible server that may phrase the answer; "" quotes the documents
    generator_model: str = "groundup"
    generator_key: str = ""  # where that server asks for one; --set generator_key=@FILE keeps it out of the history
