"""C4's page rules (Raffel et al. 2020, "Exploring the Limits of Transfer Learning", section 2.2).

The rules on single lines (javascript, cookies, policies) live in `clean.boilerplate`, which removes such lines. Left
out, as in FineWeb: the rule that a line must end in a mark, and the list of bad words (it hits whom it should
protect; `language.toxicity` counts such words instead).
"""

from __future__ import annotations

import re

from groundup.clean.filters.measure import FILTERS, Measured, Reason
from groundup.clean.options import QualityOptions

_END = re.compile(r"[.!?\u2026][\"'\u201d\u2019)\]]*(?=\s|$)|[\u3002\uff01\uff1f\u0964\u06d4\u061f]")


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
    if text.count(". ") >= rule.min_sentences:  # enough by the cheapest count
        return None
    count = len(_END.findall(text))
    if count < rule.min_sentences and not measured.is_unspaced:
        return "few_sentences", f"{count} sentences"
    return None
