"""The [collect.NAME] tables of the recipe: where documents come from."""

from __future__ import annotations

from pydantic import Field, field_validator

from groundup.core.recipe import Options

SAMPLES = "samples:"  # the prefix of sources that are made by rules


class SourceOptions(Options):
    """One source of documents."""

    from_: str = Field(alias="from", description='"samples:NAME", a folder or a file')
    count: int | None = Field(default=None, gt=0, description="at most this many documents (samples: exactly)")
    plant: tuple[str, ...] = Field(
        default=(), description="known dirt for samples: duplicates, boilerplate, mojibake ..."
    )
    plant_rate: float = Field(
        default=0.02, gt=0, le=0.5, description="share of the documents that each effect touches"
    )  # taste
    licence: str = Field(default="", description="licence of documents that state none themselves (SPDX where known)")
    language: str = Field(
        default="", description="language of documents that state none (ISO 639-1); empty: clean finds it"
    )
    include: tuple[str, ...] = Field(
        default=(), description='only files whose path matches one of these globs ("*.md")'
    )
    exclude: tuple[str, ...] = Field(default=(), description="never files whose path matches one of these globs")
    text_column: str = Field(
        default="", description="column of tables and JSON that holds the text; empty: the usual names"
    )
    # 64 MB: ten times the longest book; one piece is held in memory, so this bounds the memory of the stage
    max_bytes: int = Field(
        default=64_000_000, ge=1000, description="longer plain text is cut, longer other files are skipped"
    )
    max_documents_per_file: int | None = Field(
        default=None, gt=0, description="rows read of one table or archive; empty: all"
    )

    @field_validator("from_")
    @classmethod
    def _named(cls, value: str) -> str:
        if not value.strip() or value.strip() == SAMPLES:
            raise ValueError('name a folder, a file or "samples:stories"')
        return value.strip()

    @property
    def sample(self) -> str:
        """The sample's name ("stories"), or empty for files."""
        return self.from_.removeprefix(SAMPLES) if self.from_.startswith(SAMPLES) else ""
