"""Names for several tasks at once: `--tasks arithmetic` asks all ten sums and differences and what goes with them."""

from __future__ import annotations

from collections.abc import Sequence

_DIGITS = ("two", "three", "four", "five", "six")

GROUPS: dict[str, tuple[str, ...]] = {
    # Brown et al. 2020, section 3.9.1, and the sum of digits in the same manner
    "arithmetic": (
        *(f"{digits}_digit_{operation}" for digits in _DIGITS for operation in ("addition", "subtraction")),
        "two_digit_multiplication",
        "single_digit_three_ops",
        "sum_of_digits",
    ),
    # the same, section 3.9.2
    "word_scrambling": (
        "cycle_letters_in_word",
        "mid_word_1_anagrams",
        "mid_word_2_anagrams",
        "random_insertion_in_word",
        "reversed_words",
    ),
    "bigbench": tuple(
        f"bigbench_{name}"
        for name in (
            "conceptual_combinations", "conlang_translation", "cs_algorithms", "dyck_languages", "language_identification",
            "logical_deduction", "misconceptions", "novel_concepts", "operators", "qa_wikidata", "repeat_copy_logic",
            "strange_stories", "strategy_qa", "understanding_fables",
        )
    ),
    "commonsense": ("copa", "hellaswag", "piqa", "winogrande", "winograd", "openbook_qa", "commonsense_qa", "siqa"),
    "knowledge": ("arc_easy", "arc_challenge", "mmlu", "triviaqa", "jeopardy", "bigbench_qa_wikidata"),
    "truthfulqa": ("truthfulqa_mc1", "truthfulqa_mc2"),
    "stories": ("stories_answers", "stories_sentiment", "stories_summaries", "stories_translation"),
}  # fmt: skip


def expand(names: Sequence[str]) -> list[str]:
    """Task names with groups replaced by their members, each once, in the order of first mention."""
    return list(dict.fromkeys(member for name in names for member in GROUPS.get(name, (name,))))
