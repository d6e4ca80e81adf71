"""C4's page rules (Raffel et al. 2020, "Exploring the Limits of Transfer Learning", section 2.2).

The rules on single lines (javascript, cookies, policies) live in `clean.boilerplate`, which removes such lines. Left
out, as in FineWeb: the rule that a line must end in a mark, and the list of bad words (it hits whom it should
protect; `language.toxicity` counts such words instead). Without the rule on last marks a heading counts as a sentence,
as it did for FineWeb; lines of one or two words count for nothing.
"""

from __future__ import annotations

from groundup.clean.filters.measure import FILTERS, Measured, Reason
from groundup.clean.options import QualityOptions
from groundup.language.words import sentences


@FILTERS.register("c4")
def c4(measured: Measured, options: QualityOptions) -> Reason | None:
    """Placeholder text, program code, too few sentences. Books and Markdown are not pages: not judged."""
    if measured.is_book or measured.kind == "markdown":
        return None
    rule = options.c4
    text = measured.text
    if rule.no_lorem_ipsum and "lorem ipsum" in text.lower():
        return "lorem_ipsum", ""
    if rule.no_curly_brackets and "{" in text and not measured.is_unspaced:  # Chinese wikis mark variants by -{}-
        return "curly_brackets", f"{text.count('{')} of them"
    if measured.is_unspaced or text.count(". ") > 4 * rule.min_sentences:  # plainly enough, whatever the abbreviations
        return None
    count = 0
    for line in measured.content_lines:
        count += len(sentences(line))
        if count >= rule.min_sentences:
            return None
    return ("few_sentences", f"{count} sentences") if count < rule.min_sentences else None
