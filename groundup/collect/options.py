"""The [collect.NAME] tables of the recipe: where documents come from."""

from __future__ import annotations

from pydantic import Field, field_validator

from groundup.core.recipe import Options

SAMPLES = "samples:"  # the prefix of sources that are made by rules
GIT = "git:"  # of a repository, a folder or an address
HUB = "hf:"  # of a data set of the Hugging Face hub


class WebOptions(Options):
    """The [collect.NAME.web] table: how a site is read when `from` is an address."""

    max_pages: int = Field(default=200, gt=0, description="pages read in all")  # taste: a small site
    max_pages_per_host: int = Field(default=200, gt=0, description="pages read of one host")
    max_total_bytes: int = Field(default=100_000_000, gt=0, description="bytes read in all")
    max_depth: int = Field(default=3, ge=0, description="links followed from the start page")  # taste
    # One second is what crawlers have long taken where a site names no delay of its own; a longer one there is obeyed
    delay_seconds: float = Field(default=1.0, ge=0, description="between two requests to a host")
    retry_seconds: float = Field(default=5.0, ge=0, description="before a busy or silent server is asked once more")
    timeout_seconds: float = Field(default=20.0, gt=0, description="longest wait for a server")
    sitemaps: bool = Field(default=True, description="also read the pages that the site's sitemaps list")
    hosts: tuple[str, ...] = Field(default=(), description='other hosts that may be read too ("docs.example.org")')
    user_agent: str = Field(default="groundup", min_length=1, description="how the crawler names itself")
    cache: str = Field(default="", description="folder of answers kept for the next crawl; empty: only for this run")
    allow_private: bool = Field(default=False, description="allow addresses inside your own network")


class SourceOptions(Options):
    """One source of documents."""

    from_: str = Field(
        alias="from",
        description='"samples:NAME", a folder, a file, "https://...", "git:...", "hf:OWNER/NAME", "s3://..." or "-"',
    )
    count: int | None = Field(default=None, gt=0, description="at most this many documents (samples: exactly)")
    plant: tuple[str, ...] = Field(
        default=(), description="known dirt for samples: duplicates, boilerplate, mojibake ..."
    )
    examples: tuple[str, ...] | None = Field(
        default=None, description="kinds of gold examples a sample makes (answers, chat ...); empty: all it knows"
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

    web: WebOptions = WebOptions()

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

    @property
    def is_web(self) -> bool:
        """Whether `from` is an address on the web."""
        return self.from_.startswith(("http://", "https://"))

    @property
    def is_git(self) -> bool:
        """Whether `from` is a git repository."""
        return self.from_.startswith(GIT)

    @property
    def is_remote(self) -> bool:
        """Whether `from` is a data set of the hub or another address that fsspec opens."""
        return self.from_.startswith(HUB) or ("://" in self.from_ and not self.is_web and not self.is_git)
