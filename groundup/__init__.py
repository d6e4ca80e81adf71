"""groundup: your documents in, a language model of your own out.

Ten public names, each loaded on first use; importing the package imports nothing large:

    import groundup
    groundup.run("demo")                                 # documents -> model, scores, findings, report
    model = groundup.load("demo")                        # a run, a run folder or any model folder
    model.chat("Who are you?")                           # -> str
    model.explain("The garden was quiet.")               # -> which training documents hold these words
"""

from typing import TYPE_CHECKING

from groundup.core.registry import lazy

__version__ = "0.1.0"

__all__ = [
    "Document",
    "Example",
    "GroundupError",
    "Model",
    "Recipe",
    "Score",
    "load",
    "plan",
    "read_recipe",
    "run",
]

if TYPE_CHECKING:
    from groundup.api import Model, load, plan
    from groundup.core.document import Document
    from groundup.core.errors import GroundupError
    from groundup.core.example import Example
    from groundup.core.score import Score
    from groundup.pipeline import run
    from groundup.stages import Recipe, read_recipe

__getattr__, __dir__ = lazy(
    __name__,
    {
        "Document": ".core.document",
        "Example": ".core.example",
        "GroundupError": ".core.errors",
        "Model": ".api",
        "Recipe": ".stages",
        "Score": ".core.score",
        "load": ".api",
        "plan": ".api",
        "read_recipe": ".stages",
        "run": ".pipeline",
    },
)
