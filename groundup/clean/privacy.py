"""Privacy: personal data masked, replaced by pseudonyms, or its document dropped. What was found is counted by kind.

Recognisers: `language.personal`. Samples for people to look at never show what was found. `log` notes in each
document's meta what was masked (kind, place, keyed hash; never the text): the audit log.
"""

from __future__ import annotations

from groundup.clean.base import STEPS, Step, difference
from groundup.clean.options import CleanOptions
from groundup.core.document import Document, Dropped
from groundup.core.errors import RecipeError, near
from groundup.language.personal import ALL_KINDS, KINDS, find, log_entries, mask


@STEPS.register("privacy")
class Privacy(Step):
    """Masks by default ("[email]"). With `action = "drop"` a document with findings is dropped as "personal_data"."""

    name = "privacy"

    def __init__(self, options: CleanOptions) -> None:
        super().__init__(options)
        self.options = options.privacy
        for kind in self.options.kinds:
            if kind not in ALL_KINDS:
                raise RecipeError(f"clean.privacy.kinds: unknown kind '{kind}'.", repair=near(kind, ALL_KINDS))
        self.kinds = self.options.kinds or KINDS

    def apply(self, document: Document) -> Document | Dropped:
        findings = find(document.text, self.kinds)
        if not findings:
            return document
        for item in findings:
            self.counts[item.kind] += 1
        if self.options.action == "drop":
            # The dropped copy is masked too: the folder of dropped documents is no place for personal data
            kinds = ", ".join(sorted({item.kind for item in findings}))
            return self.drop(document.with_text(mask(document.text, findings)), "personal_data", kinds)
        text = mask(document.text, findings, self.options.action, self.options.key)
        if not self.options.log:
            return document.with_text(text)
        meta = {**document.meta, "personal_data": log_entries(findings, self.options.key)}
        return document.with_text(text, meta=meta)

    def show(self, before: Document, after: Document) -> tuple[str, str, str]:
        findings = find(before.text, self.kinds)
        hidden = before.text
        for item in reversed(findings):
            hidden = hidden[: item.start] + "*" * (item.end - item.start) + hidden[item.end :]
        return (*difference(hidden, after.text), ", ".join(sorted({item.kind for item in findings})))
