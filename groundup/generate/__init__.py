"""generate: the engine of all that reads or writes text with a model.

Engine       generate, stream, chat, score, token_logprobs (`engine`)
Sampling     how tokens are chosen (`sampling`)
Scheduler    continuous batching: requests join and leave between tokens (`scheduler`)
KVCache      rows of different lengths (`cache`)
TextStream   whole characters, no half stop strings (`detokenize`)
embed        sentence vectors (`embed`)
"""

from groundup.core.registry import lazy

__getattr__, __dir__ = lazy(
    __name__,
    {
        "Engine": ".engine",
        "Generated": ".scheduler",
        "KVCache": ".cache",
        "Request": ".scheduler",
        "Sampling": ".sampling",
        "Scheduler": ".scheduler",
        "Scored": ".scoring",
        "TextStream": ".detokenize",
        "Token": ".scheduler",
        "embed": ".embed",
    },
)
