"""Stage 7 and 8: findings about model and data, the gate, the model card, the release.

base       what a check is given and what it returns: Look -> Finding
bias       does the model give jobs a gender?            corpus      do the documents, and which source?
privacy    does it remember planted secrets?             exposure, one_run: the measures
membership can it be told who was in the training text?  extraction  can documents be got out word for word?
leak       does it write personal data, and whose?       truth       did planted myths make it believe them?
calibration  is it right as often as it is sure?
           reading: what the model makes of given tokens; split_texts: training documents and held-out ones
benchmarks CrowS-Pairs, StereoSet, WinoBias, Winogender, BBQ, WEAT, SEAT, HateCheck, TruthfulQA, over published rows in a folder
explain    why this answer: which words (attribution), how far to trust that (faithfulness), which layer (lens, tuned_lens)
           and which documents; explain_page writes it down. asked, through: the same for every family; attention, patching:
           where it looked, and which place is the cause
content    the guard: requests refused, answers screened, also while they are written
signature  a seal over a model folder or a text
deletion   train again without some documents, with a certificate
gate       limits -> open or closed; a waiver is explicit and recorded
card       the model card, from manifests
stage      the front door of the audit
release    the front door of the release
"""

from groundup.core.registry import lazy

__getattr__, __dir__ = lazy(
    __name__,
    {
        "AuditOptions": ".options",
        "ContentGuard": ".content",
        "Explanation": ".explain",
        "Finding": ".base",
        "Gate": ".gate",
        "Look": ".base",
        "ReleaseOptions": ".options",
        "audits": ".base",
        "decide": ".gate",
        "exposure_bits": ".exposure",
        "write_page": ".explain_page",
    },
)
