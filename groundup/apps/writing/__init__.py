"""The writing desk: drafts, corrections, shorter words, originality.

app (the library call) <- drafts (phrases, or a bigger model, judged by quality), corrector (counts, candidates, forms;
learned by learning from mistakes), shorten, originality, evaluate (cases).
"""

from groundup.core.registry import lazy

__getattr__, __dir__ = lazy(
    __name__, {"Corrector": ".corrector", "Writing": ".app", "WritingOptions": ".options", "learn": ".learning"}
)
