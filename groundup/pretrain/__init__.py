"""Stage 4: tokens -> base model.

options.py   the [pretrain] table       batches.py   packed rows, shuffled by seed, resumable at any batch
validate.py  bits per byte, journey     stage.py     the front door
"""

from groundup.core.registry import lazy

__getattr__, __dir__ = lazy(
    __name__,
    {
        "PretrainOptions": ".options",
        "PretrainStage": ".options",
        "PackedBatches": ".batches",
        "bits_per_byte": ".validate",
        "run": ".stage",
    },
)
