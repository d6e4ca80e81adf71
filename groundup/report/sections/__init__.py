"""The report's sections, one idea a file; each is `section(run) -> Html | None` and None when its stage is missing.

data (what came in, what went out), tokens (the vocabulary), training (curves and samples), scores, findings, making
(time, hashes, recipe).
"""
