"""The [clean] table of the recipe: which steps in which order, and their thresholds."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from groundup.core.errors import near
from groundup.core.recipe import Options

DEFAULT_STEPS = ("html", "text", "code", "boilerplate", "quality", "language", "duplicates", "privacy")


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
    # FineWeb's code counts every mark as a word without a letter, which drops lively dialogue; the paper says words
    count_marks: bool = Field(
        default=False, description="count punctuation marks as words in that share, as FineWeb did"
    )
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


class CodeOptions(Options):
    """Rules for source code, as StarCoder's data has them (Li et al. 2023, section 3; Kocetkov et al. 2022)."""

    max_mean_line: int = Field(default=100, ge=1, description="characters; longer lines on average: minified")
    max_line: int = Field(default=1000, ge=1, description="characters; a longer line: minified or data")
    min_letters: float = Field(default=0.25, ge=0, le=1, description="share of letters and digits; below it: data")
    # Tables of numbers and hexadecimal constants; taste, checked on the code of docs/log.md
    max_number_lines: float = Field(
        default=0.6, ge=0, le=1, description="share of lines of numbers only; above it: data"
    )
    generated: bool = Field(default=True, description='drop files that say they are generated ("do not edit")')
    licences: tuple[str, ...] = Field(
        default=(), description="keep only code under these licences (SPDX, `*` allowed); empty: all"
    )


class ScoreOptions(Options):
    """A quality score learned from your examples: files or folders of texts (txt, md, jsonl, csv, parquet)."""

    good: tuple[str, ...] = Field(default=(), description="texts like those you want")
    bad: tuple[str, ...] = Field(default=(), description="texts like those you do not want")
    min_score: float = Field(default=0.5, ge=0, le=1, description="drop documents below; 0: only write the score")


class ToxicityOptions(Options):
    """Toxic documents, by a word list and by a classifier trained on your labelled examples."""

    # 1 listed word in 100: prose of any kind has far fewer, abuse has more. Taste
    max_words: float = Field(default=0.01, ge=0, le=1, description="listed words per word, above it: toxic")
    toxic: tuple[str, ...] = Field(default=(), description="examples of toxic texts to train the classifier on")
    harmless: tuple[str, ...] = Field(default=(), description="examples of harmless texts to train it on")
    max_probability: float = Field(default=0.9, ge=0, le=1, description="by the classifier, above it: toxic")
    action: Literal["drop", "label"] = Field(default="drop", description="label: only write meta.toxicity")


class ContaminationOptions(Options):
    """Evaluation sets that must not be learned from."""

    against: tuple[str, ...] = Field(
        default=(), description="evaluation sets: files or folders (jsonl, json, csv, parquet, txt)"
    )
    # 13 words: Brown et al. 2020 (GPT-3), appendix C
    ngram: int = Field(default=13, ge=5, description="words in a row that count as an overlap")
    # 6 words: shorter questions with their answers are everyday phrases; taste
    min_words: int = Field(default=6, ge=3, description="items shorter than an n-gram count whole from this length on")


class ParagraphsOptions(Options):
    """Paragraphs that stand in several documents; the first keeps it."""

    min_documents: int = Field(default=2, ge=2, description="a paragraph in so many documents is repeated")
    # 80 characters: shorter paragraphs (dialogue, captions) recur by chance; taste
    min_characters: int = Field(default=80, ge=1, description="shorter paragraphs are left alone")
    # CCNet (Wenzek et al. 2020) drops what deduplication leaves too little of; half is taste
    min_left: float = Field(default=0.5, ge=0, le=1, description="a document that keeps less of itself is dropped")


class DuplicatesOptions(Options):
    """Exact and near duplicates; the best copy of a cluster stays."""

    near: bool = True
    # 0.7: between FineWeb's effective 0.72 and RefinedWeb's 0.8 on word 5-grams
    threshold: float = Field(
        default=0.7, gt=0, le=1, description="Jaccard similarity of word n-grams from which two are one"
    )
    ngram: int = Field(default=5, ge=1)
    permutations: int = Field(default=128, ge=16, description="length of the MinHash signature")
    # 21 bands of 6 rows: a pair at 0.8 is compared with probability 0.998, at 0.72 with 0.96
    bands: int = Field(default=21, ge=1)
    prefer: tuple[str, ...] = Field(default=(), description="sources whose copy stays, the dearest first")
    against: tuple[str, ...] = Field(
        default=(), description="an older corpus (a run, a folder, files): copies of its texts are dropped"
    )


class SourceMix(Options):
    """How much of one source goes into the mixture."""

    epochs: float = Field(
        default=1.0, gt=0, le=16, description="how often it is read: 0.5 keeps half of its documents, 2 repeats all"
    )
    max_bytes: int | None = Field(default=None, gt=0, description="at most this much text (before epochs)")
    max_documents: int | None = Field(default=None, gt=0, description="at most this many documents (before epochs)")
    weight: float | None = Field(
        default=None, gt=0, description="share of the mixture against the other weights; sets the epochs"
    )


class MixtureOptions(Options):
    """The mixture of sources: [clean.mixture.sources.NAME]."""

    sources: dict[str, SourceMix] = Field(default={}, description="by the name of the source; others come in once")
    # Repeating data up to 4 times is worth about as much as new data (Muennighoff et al. 2023)
    max_epochs: float = Field(default=4.0, ge=1, le=16, description="weights never repeat a source more often")


class PrivacyOptions(Options):
    """Personal data."""

    action: Literal["mask", "drop", "pseudonym"] = Field(default="mask", description="drop: the whole document")
    kinds: tuple[str, ...] = Field(
        default=(),
        description="only these kinds; empty: all that have a form (email, phone, card ...). person, address, place, "
        "organization, nationality, age, date, title, postcode, licence and url are looked for only when named",
    )
    key: str = Field(
        default="groundup", description="secret key of the pseudonyms; change it for data that you publish"
    )
    log: bool = Field(
        default=False,
        description="note in each document's meta what was masked: kind, place, keyed hash, never the text",
    )


class CleanOptions(Options):
    """The [clean] table."""

    steps: tuple[str, ...] = DEFAULT_STEPS
    html: HtmlOptions = HtmlOptions()
    text: TextOptions = TextOptions()
    boilerplate: BoilerplateOptions = BoilerplateOptions()
    quality: QualityOptions = QualityOptions()
    language: LanguageOptions = LanguageOptions()
    code: CodeOptions = CodeOptions()
    score: ScoreOptions = ScoreOptions()
    toxicity: ToxicityOptions = ToxicityOptions()
    contamination: ContaminationOptions = ContaminationOptions()
    paragraphs: ParagraphsOptions = ParagraphsOptions()
    duplicates: DuplicatesOptions = DuplicatesOptions()
    privacy: PrivacyOptions = PrivacyOptions()
    mixture: MixtureOptions = MixtureOptions()
    engine: Literal["local", "ray"] = Field(
        default="local", description='"ray": on a Ray cluster (RAY_ADDRESS, else one started here); same bytes'
    )
    workers: int = Field(default=0, ge=0, description="processes; 0: one a core where the corpus is worth it")

    @property
    def outside_files(self) -> tuple[str, ...]:
        """Files and folders that the steps read beside the corpus: the clean documents depend on what is in them."""
        read = {
            "score": (*self.score.good, *self.score.bad),
            "toxicity": (*self.toxicity.toxic, *self.toxicity.harmless),
            "contamination": self.contamination.against,
            "duplicates": self.duplicates.against,
        }
        return tuple(place for step in self.steps for place in read.get(step, ()))

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

    @model_validator(mode="after")
    def _has_examples(self) -> CleanOptions:
        wanted = {
            "score": ("good", self.score.good) if not self.score.good else ("bad", self.score.bad),
            "contamination": ("against", self.contamination.against),
        }
        for step, (option, places) in wanted.items():
            if step in self.steps and not places:
                raise ValueError(f"the step '{step}' needs clean.{step}.{option}: files or folders to learn from")
        if bool(self.toxicity.toxic) != bool(self.toxicity.harmless):
            raise ValueError(
                "clean.toxicity: its classifier learns from both, toxic and harmless; one names no examples"
            )
        return self
