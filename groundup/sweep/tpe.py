"""TPE with Optuna: values are drawn where good trials were dense and bad ones thin (Bergstra et al. 2011).

The study is a SQLite file in the sweep's folder, so it is continued by the same command and opens in Optuna's own
tools. Optuna keeps the scores; this house's ledger keeps everything else. Trials are dropped by Hyperband (Li et al.
2018): several races of successive halving, some strict, some patient, each keeping the best third at every stage; a
trial's looks are its resource, counted 1, 2, 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from groundup.core.errors import MissingExtra
from groundup.sweep.ledger import Trial
from groundup.sweep.search import named
from groundup.sweep.space import Axis

STUDY = "sweep"
STARTUP = 5  # random trials before the model of good and bad is used; Optuna has 10, which few budgets here reach
THIRD = 3  # Li et al. 2018: 3 or 4


class Study:
    """Asks for values, tells scores."""

    def __init__(self, folder: Path, axes: Sequence[Axis], *, lower: bool, seed: int) -> None:
        try:
            import optuna
        except ImportError:
            raise MissingExtra("optuna", "sweep", "The method tpe") from None
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._optuna, self._axes = optuna, axes
        self._study = optuna.create_study(
            study_name=STUDY,
            storage=f"sqlite:///{folder / 'study.db'}",
            direction="minimize" if lower else "maximize",
            pruner=optuna.pruners.HyperbandPruner(min_resource=1, reduction_factor=THIRD),
            sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP, constant_liar=True),
            load_if_exists=True,
        )

    def ask(self, seed: int) -> Trial:
        """The next trial; its number is the study's."""
        asked = self._study.ask()
        values = {axis.key: self._suggest(asked, axis) for axis in self._axes}
        return Trial(asked.number, values, seed, asked.number, named(values))

    def hopeless(self, trial: Trial, looks: Sequence[tuple[int, float]]) -> bool:
        """Whether Hyperband drops a running trial after these looks."""
        if not looks:
            return False
        asked = self._optuna.trial.Trial(self._study, self._study.trials[trial.number]._trial_id)
        known = self._study.trials[trial.number].intermediate_values
        for number, (_, value) in enumerate(looks, start=1):
            if number not in known:
                asked.report(value, number)
        return bool(asked.should_prune())

    def tell(self, trial: Trial) -> None:
        """A finished trial; told twice, the second time is nothing new."""
        states = self._optuna.trial.TrialState
        state = {"done": states.COMPLETE, "pruned": states.PRUNED}.get(trial.state, states.FAIL)
        score = trial.score if state == states.COMPLETE else None
        self._study.tell(trial.number, score, state=state, skip_if_finished=True)

    def forget_lost(self, known: Sequence[int]) -> None:
        """Trials that were asked for and then lost in a kill before the ledger knew them: failed."""
        states = self._optuna.trial.TrialState
        for trial in self._study.get_trials(deepcopy=False, states=(states.RUNNING,)):
            if trial.number not in known:
                self._study.tell(trial.number, state=states.FAIL)

    def _suggest(self, asked: Any, axis: Axis) -> Any:
        if not axis.is_range:
            # Optuna keeps plain values only; lists and tables go by their number.
            plain = all(isinstance(value, str | int | float | bool) for value in axis.values)
            if plain:
                return asked.suggest_categorical(axis.key, list(axis.values))
            return axis.values[asked.suggest_categorical(axis.key, list(range(len(axis.values))))]
        if axis.whole:
            return asked.suggest_int(axis.key, int(axis.low), int(axis.high), log=axis.log)
        return asked.suggest_float(axis.key, axis.low, axis.high, log=axis.log)
