"""What a model is for: applications that work on day one, each a library call, a command and a page.

base: the contract and the registry. search: find and quote. support: customer service with policy in code.
tutor: exercises with sure keys, short answers graded.
"""

from groundup.core.registry import lazy

__getattr__, __dir__ = lazy(
    __name__,
    {
        "APPS": ".base",
        "Answer": ".base",
        "App": ".base",
        "Citation": ".base",
        "Search": ".search.app",
        "Support": ".support.app",
        "Tutor": ".tutor.app",
        "names": ".base",
        "open_app": ".base",
    },
)
