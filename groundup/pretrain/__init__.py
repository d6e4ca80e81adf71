"""Stage 4: tokens -> base model.

options.py   the [pretrain] table       batches.py   packed rows, shuffled by seed, resumable at any batch
lesson.py    what an objective brings   stage.py     the front door
causal.py    the next token             validate.py  bits per byte
journey.py   documents followed from the first step to the last
masked.py    hidden words               masking.py   which, and how
gaps.py      fill in the middle         replay.py    going on from a model without forgetting
denoise.py   spans cut out              seq2seq.py   an example's target       targets.py   what these two share
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
