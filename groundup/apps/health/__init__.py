"""Health: notes without names, summaries, risk flags with their evidence, quotations on treatment, links in literature.

app (the library call) <- deidentify (always first), summary, risks (negation-aware, calibrated), treatment (quotations
only), literature (A-B-C links), audit (who did what, without the text), evaluate. No medical device, and every answer says so.
"""

from groundup.core.registry import lazy

__getattr__, __dir__ = lazy(__name__, {"Health": ".app", "HealthOptions": ".options", "deidentify": ".deidentify"})
