"""Stage 7 and 8: findings about model and data, the gate, the model card, the release.

base       what a check is given and what it returns: Look -> Finding
bias       does the model give jobs a gender?
privacy    does it remember planted secrets? (exposure: the measure)
leak       does it write personal data, and whose?
truth      did planted myths make it believe them?
benchmarks CrowS-Pairs, StereoSet, WinoBias, Winogender, BBQ, WEAT, TruthfulQA, over published rows in a folder
explain    why this answer: which words (attribution), how far to trust that (faithfulness), which layer (lens)
           and which documents; explain_page writes it down
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
