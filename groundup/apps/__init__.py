"""What a model is for: applications that work on day one, each a library call, a command and a page.

base: the contract and the registry. search: find and quote. support: customer service with policy in code.
writing: drafts, corrections, summaries. tutor: exercises with sure keys, short answers graded. health: notes without
names, summaries, flags with evidence, quotations.
"""

from groundup.core.registry import lazy

__getattr__, __dir__ = lazy(
    __name__,
    {
        "APPS": ".base",
        "Action": ".base",
        "Answer": ".base",
        "App": ".base",
        "Citation": ".base",
        "Health": ".health.app",
        "Search": ".search.app",
        "Support": ".support.app",
        "Tutor": ".tutor.app",
        "Writing": ".writing.app",
        "do": ".base",
        "names": ".base",
        "open_app": ".base",
    },
)
