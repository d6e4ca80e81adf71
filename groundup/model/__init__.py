"""Stage 4's material: the Transformers. Options become a config, a config becomes a module, a module a model folder.

options.py    the [model] table                    presets.py   options -> config; depth, the one dial
config.py     one frozen description of a model    layers/      norm, position, attention, feedforward, embedding
rules.py      which mixes of parts can be          shapes.py    published shapes by name
block.py      one layer of the default model       families/    one file per family, top to bottom
mixed_block.py  one layer of any parts             beam.py      writing with an encoder-decoder
init.py       first weights                        plan.py      parameters, FLOPs, memory of a config
hardware.py   hours and money on named hardware    bundle.py    the model folder: save and load
device.py     where and in which dtype to compute
convert/      how a model lies on disk: one file a layout
"""

from groundup.core.registry import lazy

__getattr__, __dir__ = lazy(
    __name__,
    {
        "ModelOptions": ".options",
        "ModelConfig": ".config",
        "resolve": ".presets",
        "from_depth": ".presets",
        "build": ".families",
        "families": ".families",
        "Bundle": ".bundle",
        "save": ".bundle",
        "load": ".bundle",
        "count": ".plan",
        "choose": ".device",
    },
)
