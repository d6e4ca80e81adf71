"""Search with cited answers.

app (the library call) <- understand (query), index (SQLite FTS5, BM25), dense (vectors), fusion, answering (quotes,
checked), generator (an optional model that phrases, never adds), reading (folders and runs), evaluate (Cranfield).
"""

from groundup.core.registry import lazy

__getattr__, __dir__ = lazy(
    __name__, {"Filters": ".index", "Hit": ".app", "Search": ".app", "SearchApp": ".app", "SearchOptions": ".options"}
)
