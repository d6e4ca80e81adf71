"""The engine room of pretraining and tuning: one loop for every family and objective.

options.py      rates, schedule, batch, precision: shared by [pretrain] and [finetune.STEP]
objectives.py   module and batch -> loss           schedules.py   step -> share of the peak rate
optim/          AdamW, Muon                        loop.py        accumulate, clip, step, look, save
checkpoint.py   what survives a kill at any moment
"""

from groundup.core.registry import lazy

__getattr__, __dir__ = lazy(
    __name__,
    {
        "OptimizerOptions": ".options",
        "train": ".loop",
        "Summary": ".loop",
        "Loss": ".objectives",
        "causal": ".objectives",
        "masked": ".objectives",
        "Targets": ".objectives",
        "token_losses": ".objectives",
        "make_optimizer": ".optim",
        "schedule": ".schedules",
    },
)
