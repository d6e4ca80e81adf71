"""Trace: a suffix array over any integer array. Find a span, count it, name the documents it stands in. No torch.

index      build, SuffixIndex: count, find, longest match, maximal spans (matches: of every place of a text at once)
sources    positions -> documents
spans      a text -> its spans that stand in the tokens, with their documents
"""

from groundup.core.registry import lazy

__getattr__, __dir__ = lazy(
    __name__,
    {
        "build": ".index",
        "SuffixIndex": ".index",
        "Span": ".index",
        "Sources": ".sources",
        "Source": ".sources",
        "Traced": ".spans",
        "TracedSpan": ".spans",
    },
)
