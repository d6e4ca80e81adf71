"""Who is held out: decided by a hash of the document, so that adding data never moves a document across.

train: what models learn from. validation: what training looks at (curves, early stopping). test: what only
evaluation sees. A tuning or evaluation example follows the document it was made from.
"""

from __future__ import annotations

import hashlib

VALIDATION_SHARE = 0.02  # taste: enough for a steady curve
TEST_SHARE = 0.05  # taste: 2,000 unseen stories of the demo's 40,000

SPLITS = ("train", "validation", "test")


def split_of(document_id: str, *, validation: float = VALIDATION_SHARE, test: float = TEST_SHARE) -> str:
    """'train', 'validation' or 'test' for a document id; the same on every machine and for every corpus."""
    digest = hashlib.sha256(b"groundup split " + document_id.encode("utf-8")).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    if place < test:
        return "test"
    return "validation" if place < test + validation else "train"
