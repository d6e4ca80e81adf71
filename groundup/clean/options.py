"""The [clean] table of the recipe: which steps in which order, and their thresholds."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from groundup.core.errors import near
from groundup.core.recipe import Options

DEFAULT_STEPS = ("html", "text", "boilerplate", "quality", "language", "duplicates", "privacy")


class HtmlOptions(Options):
    """HTML to text."""

    main_content: bool = Field(
        default=True, description="only the main text, without navigation; false: all visible text"
    )


class TextOptions(Options):
    """Repair of characters and white space."""

    mojibake: bool = Field(default=True, description="repair text that was decoded by the wrong encoding")
    straight_quotes: bool = Field(default=False, description="turn curly quotation marks into straight ones")


class BoilerplateOptions(Options):
    """Lines that are no content."""

    repeated: bool = Field(default=True, description="remove lines that stand in many documents")
    # 10 documents: a line shared by that many is set by a machine; taste, checked on the real corpora of docs/log.md
    min_documents: int = Field(default=10, ge=2, description="a line in at least this many documents ...")
    min_share: float = Field(default=0.0005, ge=0, le=1, description="... and in this share of them is boilerplate")
    known: bool = Field(
        default=True, description="remove cookie, navigation, sharing and copyright lines by their words"
    )
    headers: bool = Field(default=True, description="remove Gutenberg frames, front matter and licence comments")


class GopherOptions(Options):
    """Gopher's quality rules (Rae et al. 2021, table A1)."""

    # The paper has 50; 30 here, because line removal comes first and our stories have 50 to 80 words
    min_words: int = Field(default=30, ge=0)
    max_words: int = Field(default=100_000, ge=1)
    min_mean_word_length: float = 3.0
    max_mean_word_length: float = 10.0
    max_symbols_per_word: float = 0.1
    max_bullet_lines: float = 0.9
    max_ellipsis_lines: float = 0.3
    min_words_with_letter: float = 0.8
    min_stop_words: int = Field(default=2, ge=0, description="different common words of the language it seems to be in")


class RepetitionOptions(Options):
    """Gopher's repetition rules (Rae et al. 2021, table A1): shares of lines, paragraphs and characters."""

    max_duplicate_lines: float = 0.30
    max_duplicate_paragraphs: float = 0.30
    max_duplicate_line_characters: float = 0.20
    max_duplicate_paragraph_characters: float = 0.20
    max_top_ngram: dict[int, float] = Field(default={2: 0.20, 3: 0.18, 4: 0.16})
    max_duplicate_ngrams: dict[int, float] = Field(default={5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10})


class C4Options(Options):
    """C4's page rules (Raffel et al. 2020, section 2.2), without the rule on lines' last characters (as FineWeb)."""

    min_sentences: int = Field(default=5, ge=0)
    no_lorem_ipsum: bool = True
    no_curly_brackets: bool = True


class FinewebOptions(Options):
    """FineWeb's rules (Penedo et al. 2024, section 3.6)."""

    min_lines_with_end_mark: float = 0.12
    max_short_lines: float = 0.67
    short_line_characters: int = 30
    max_duplicate_line_characters: float = 0.01
    max_newlines_per_word: float = 0.3


class QualityOptions(Options):
    """Rules for prose; code is never judged by them, Markdown only by gopher and repetition."""

    filters: tuple[str, ...] = Field(
        default=("gopher", "repetition", "c4", "fineweb"), description="rules, in this order"
    )
    # The rules were tuned on web pages. A text longer than this is a book: judged by its words, not by its lines.
    book_characters: int = Field(default=100_000, ge=1000)
    gopher: GopherOptions = GopherOptions()
    repetition: RepetitionOptions = RepetitionOptions()
    c4: C4Options = C4Options()
    fineweb: FinewebOptions = FinewebOptions()


class LanguageOptions(Options):
    """Which languages stay."""

    keep: tuple[str, ...] = Field(default=(), description='ISO 639-1 codes, ("en",); empty: all, only labelled')
    min_confidence: float = Field(default=0.5, ge=0, le=1, description="below it a document counts as unsure")  # taste


class DuplicatesOptions(Options):
    """Exact and near duplicates; the longest copy of a cluster stays."""

    near: bool = True
    # 0.7: between FineWeb's effective 0.72 and RefinedWeb's 0.8 on word 5-grams
    threshold: float = Field(
        default=0.7, gt=0, le=1, description="Jaccard similarity of word n-grams from which two are one"
    )
    ngram: int = Field(default=5, ge=1)
    permutations: int = Field(default=128, ge=16, description="length of the MinHash signature")
    # 21 bands of 6 rows: a pair at 0.8 is compared with probability 0.998, at 0.72 with 0.96
    bands: int = Field(default=21, ge=1)


class PrivacyOptions(Options):
    """Personal data."""

    action: Literal["mask", "drop", "pseudonym"] = Field(default="mask", description="drop: the whole document")
    kinds: tuple[str, ...] = Field(default=(), description="only these kinds (email, phone, ...); empty: all")
    key: str = Field(
        default="groundup", description="secret key of the pseudonyms; change it for data that you publish"
    )


class CleanOptions(Options):
    """The [clean] table."""

    steps: tuple[str, ...] = DEFAULT_STEPS
    html: HtmlOptions = HtmlOptions()
    text: TextOptions = TextOptions()
    boilerplate: BoilerplateOptions = BoilerplateOptions()
    quality: QualityOptions = QualityOptions()
    language: LanguageOptions = LanguageOptions()
    duplicates: DuplicatesOptions = DuplicatesOptions()
    privacy: PrivacyOptions = PrivacyOptions()

    @field_validator("steps")
    @classmethod
    def _known(cls, steps: tuple[str, ...]) -> tuple[str, ...]:
        from groundup.clean.base import step_names

        for step in steps:
            if step not in step_names():
                raise ValueError(f"unknown step '{step}'. {near(step, step_names())}")
        if len(set(steps)) < len(steps):
            raise ValueError(f"a step is named twice: {', '.join(steps)}")
        return steps
