"""sweep: a recipe run over changed values, and an honest answer to which change helped.

parse, Axis            --over pretrain.learning_rate=1e-3,2e-3 or =1e-4..1e-2 (`space`)
sweep, SweepOptions    carry one out: resumable, in parallel, within a budget (`run`)
Goal                   which number of a run decides, and which way is better (`goal`)
Ledger, Trial          what was tried, one JSON line a trial (`ledger`)
proposer               grid, random, ablation, ladder; TPE with Optuna (`search`, `tpe`)
summarize, importance  means, intervals, differences to the base; what mattered (`analysis`)
write_page             sweep.html (`page`)
"""

from groundup.core.registry import lazy

__getattr__, __dir__ = lazy(
    __name__,
    {
        "Axis": ".space",
        "Goal": ".goal",
        "Ledger": ".ledger",
        "SweepOptions": ".run",
        "Trial": ".ledger",
        "importance": ".analysis",
        "parse": ".space",
        "summarize": ".analysis",
        "sweep": ".run",
        "write_page": ".page",
    },
)
