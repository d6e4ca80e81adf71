"""The page on scale is what its program says, and the program obeys the laws it quotes."""

from __future__ import annotations

import importlib.util
import itertools
import json
import random
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def scale() -> ModuleType:
    spec = importlib.util.spec_from_file_location("scale", ROOT / "scripts" / "scale.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["scale"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def units(scale: ModuleType) -> dict[str, float]:
    return json.loads(scale.UNITS.read_text())["units"]


def test_the_page_is_fresh(scale: ModuleType) -> None:
    assert scale.PAGE.read_text(encoding="utf-8") == scale.page(), "run: make docs"


def test_the_sizes_go_from_60_mb_to_15_trillion_tokens_and_from_2_million_to_70_billion(scale: ModuleType) -> None:
    sizes = [(rung.tokens, scale.count(rung.config).parameters) for rung in scale.RUNGS]
    assert sizes[0][0] * scale.BYTES_PER_TOKEN == pytest.approx(60e6) and sizes[-1][0] == 15e12
    assert 1e6 < sizes[0][1] < 4e6 and 65e9 < sizes[-1][1] < 75e9
    assert sizes == sorted(sizes)


def test_more_is_never_cheaper(scale: ModuleType, units: dict[str, float]) -> None:
    lines = [scale.lines_of(rung, units) for rung in scale.RUNGS]
    for small, large in itertools.pairwise(lines):
        for name in (
            "text_bytes",
            "clean_core_seconds",
            "tokenize_core_seconds",
            "stored_bytes",
            "flops",
            "checkpoint_bytes",
        ):
            assert getattr(small, name) < getattr(large, name), name


def test_without_faults_a_training_takes_its_work_and_its_checkpoints(scale: ModuleType) -> None:
    clock, faults = scale.simulate(1000.0, 1e18, write=2.0, interval=100.0, draw=random.Random(1))
    assert faults == 0 and clock == pytest.approx(1000 + 9 * 2)  # the last piece needs no checkpoint


def test_youngs_interval_loses_less_than_a_third_or_three_times_of_it(scale: ModuleType) -> None:
    work, between, write = 3e6, 40_000.0, 60.0
    best = (2 * write * between) ** 0.5

    def clock(interval: float) -> float:
        draw = random.Random(1)
        return sum(scale.simulate(work, between, write, interval, draw)[0] for _ in range(20))

    assert clock(best) < min(clock(best / 3), clock(best * 3))


def test_published_runs_are_met_within_a_half(scale: ModuleType) -> None:
    for check in scale.checks():
        assert 1 / 1.5 < check.ours / check.published < 1.5, check.name
