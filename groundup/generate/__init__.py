"""generate: the engine of all that reads or writes text with a model.

Engine       generate, stream, chat, score, token_logprobs (`engine`)
Sampling     how tokens are chosen (`sampling`)
Scheduler    continuous batching: requests join and leave between tokens (`scheduler`)
KVCache      rows of different lengths (`cache`)
TextStream   whole characters, no half stop strings (`detokenize`)
Constrainer  answers held to a form: JSON schema, regular expression, choice, tool calls (`constrain`)
flatten      a decoder laid flat: fewer, larger products; fp32, bf16, int8, int4 (`flat`)
embed        sentence vectors (`embed`)
fill, write  encoders fill gaps, encoder-decoders write from a source (`other`)
demand_writer  what a model folder is for (`purpose`)
Watermark    a keyed mark in the text, found again without the model (`watermark`)
look_inside  where heads look, what a token becomes from layer to layer (`inside`)
lookup.py, prefixes.py   tokens guessed from the text so far; texts read before
"""

from groundup.core.registry import lazy

__getattr__, __dir__ = lazy(
    __name__,
    {
        "Constrainer": ".constrain",
        "Engine": ".engine",
        "Form": ".constrain",
        "Generated": ".scheduler",
        "KVCache": ".cache",
        "Request": ".scheduler",
        "Sampling": ".sampling",
        "Scheduler": ".scheduler",
        "Scored": ".scoring",
        "TextStream": ".detokenize",
        "Watermark": ".watermark",
        "Token": ".scheduler",
        "demand_writer": ".purpose",
        "embed": ".embed",
        "fill": ".other",
        "flatten": ".flat",
        "look_inside": ".inside",
        "write": ".other",
    },
)
