"""What may be added to a run: averaged weights, recomputed layers, early stopping, spikes, rates by trying, TensorBoard."""

import json
import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from groundup.core.errors import Interrupted
from groundup.model.families import build
from groundup.train import logbook
from groundup.train.averaging import Average
from groundup.train.find_rate import Tried, find_rate, suggestion
from groundup.train.memory import keep_freed_memory
from groundup.train.objectives import Loss, causal
from groundup.train.recompute import recompute_layers, restore_layers
from tests.train import toys


def rows_of(folder, kind="step"):
    return [row for row in map(json.loads, (folder / "metrics.jsonl").read_text().splitlines()) if row["kind"] == kind]


# ---- averages


def test_the_average_is_the_formula_written_out():
    weight = nn.Parameter(torch.zeros(2))
    average = Average({"w": weight}, 0.9)
    mean = torch.zeros(2)
    for step in range(1, 6):
        with torch.no_grad():
            weight.fill_(float(step))
        average.follow(step)
        decay = min(0.9, (1 + step) / (10 + step))
        mean = decay * mean + (1 - decay) * step
    torch.testing.assert_close(average.means["w"], mean)
    with average.shown():
        torch.testing.assert_close(weight.detach(), mean)
    assert weight.tolist() == [5.0, 5.0]


def test_a_run_ends_with_its_average_and_continues_exactly(tmp_path):
    expected, _ = toys.run(tmp_path / "whole", 10, average=0.9)
    plain, _ = toys.run(tmp_path / "plain", 10)
    asked = iter(range(100))
    with pytest.raises(Interrupted):
        toys.run(tmp_path / "stopped", 10, average=0.9, stop=lambda: next(asked) == 6)
    module, _ = toys.run(tmp_path / "stopped", 10, average=0.9)
    for name, tensor in expected.state_dict().items():
        assert torch.equal(tensor, module.state_dict()[name]), name
        assert not torch.equal(tensor, plain.state_dict()[name]), name
    # The steps themselves are those of a run without an average.
    losses = [[row["loss"] for row in rows_of(tmp_path / folder)] for folder in ("whole", "plain")]
    assert losses[0] == losses[1]


# ---- recomputing


def test_recomputed_layers_end_with_the_same_bits(tmp_path):
    plain, _ = toys.run(tmp_path / "a", 5)
    again, _ = toys.run(tmp_path / "b", 5, recompute=True)
    for name, tensor in plain.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name
    assert "forward" not in again.blocks[0].__dict__  # the module is left as it was


def test_recomputing_keeps_less_for_backward():
    def kept(module):
        sizes = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t: sizes.append(t.numel()) or t, lambda t: t):
            causal(module.train(), toys.CountingBatches().next())
        return sum(sizes)

    module = build(replace(toys.CONFIG, depth=4, dropout=0.0), seed=1)
    plain = kept(module)
    assert recompute_layers(module) == 4
    assert kept(module) < 0.5 * plain
    restore_layers(module)
    assert kept(module) == plain


# ---- stopping early, spikes


@pytest.mark.parametrize(
    ("name", "values", "average"),
    [
        ("loss", [3.0, 2.0, 2.5, 2.1, 1.0, 0.5], 0.0),
        ("answer_loss", [3.0, 2.0, 2.5, 2.1, 1.0, 0.5], 0.9),
        ("span_f1", [0.1, 0.5, 0.4, 0.45, 0.9, 0.9], 0.0),
    ],
)
def test_looks_that_get_no_better_end_the_run_with_the_best_weights(tmp_path, name, values, average):
    numbers = iter(values)
    from groundup.core.console import Console
    from groundup.core.stage import Context
    from groundup.train.loop import train

    seen = []

    def validate(module, step):
        seen.append(module.embedding.output_weight.detach().clone())
        return {name: next(numbers)}

    module = toys.without_dropout()
    summary = train(
        module,
        toys.CountingBatches(),
        causal,
        toys.options(60, patience=2, eval_every=2, average=average),
        folder=tmp_path,
        context=Context(console=Console(quiet=True)),
        validate=validate,
    )
    # The third and fourth look were no better: the second one's weights are what is left, averaged where asked for.
    assert (summary.steps, summary.validation) == (8, {name: values[1]})
    assert len(rows_of(tmp_path)) == 8
    assert torch.equal(module.embedding.output_weight, seen[1])


def test_the_best_weights_are_found_again_after_a_stop(tmp_path):
    """Stopped after the best look; continued, it gets worse: the same weights are left as without the stop."""

    def look(module, step):
        return {"loss": abs(step - 4.0)}

    whole, _ = toys.run(tmp_path / "whole", 9, patience=9, eval_every=2, validate=look)
    asked = iter(range(100))
    with pytest.raises(Interrupted):
        toys.run(tmp_path / "cut", 9, patience=9, eval_every=2, validate=look, stop=lambda: next(asked) == 7)
    module, summary = toys.run(tmp_path / "cut", 9, patience=9, eval_every=2, validate=look)
    assert summary.validation == {"loss": 0.0}
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, module.state_dict()[name]), name
    four, _ = toys.run(tmp_path / "four", 9, eval_every=2, validate=look)
    assert not torch.equal(whole.embedding.output_weight, four.embedding.output_weight)


def test_a_spike_is_skipped_and_an_ordinary_batch_is_not(tmp_path):
    def steep_at(number):
        def objective(module, batch):
            loss = causal(module, batch)
            return Loss(loss.loss * (50.0 if int(batch["number"]) == number else 1.0), loss.count)

        return objective

    _, summary = toys.run(tmp_path / "a", 60, objective=steep_at(55), module=toys.without_dropout())
    assert (summary.steps, summary.skipped, summary.rollbacks) == (60, 1, 0)
    _, off = toys.run(tmp_path / "b", 60, objective=steep_at(55), module=toys.without_dropout(), spike=0)
    assert off.skipped == 0
    _, usual = toys.run(tmp_path / "c", 60, module=toys.without_dropout())
    assert usual.skipped == 0


def test_spikes_in_a_row_roll_back(tmp_path):
    def objective(module, batch):
        loss = causal(module, batch)
        return Loss(loss.loss * (50.0 if 55 <= int(batch["number"]) < 58 else 1.0), loss.count)

    _, summary = toys.run(tmp_path, 62, objective=objective, module=toys.without_dropout(), checkpoint_every_steps=10)
    assert (summary.steps, summary.skipped, summary.rollbacks) == (62, 3, 1)


# ---- rates


def test_the_rate_found_is_below_where_the_loss_is_lowest():
    assert suggestion([Tried(0.1, 3.0), Tried(1.0, 2.0), Tried(10.0, 5.0)]) == 0.25
    module = toys.without_dropout()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    multiple, tried = find_rate(module, toys.CountingBatches(), causal, toys.options(1, optimizer="adamw"))
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
    assert 1e-3 < multiple < 10
    assert tried[0].loss > min(one.loss for one in tried)


def test_a_run_may_try_rates_first_and_continues_with_what_it_found(tmp_path):
    toys.run(tmp_path / "plain", 6)
    expected, _ = toys.run(tmp_path / "whole", 6, find_rate=True)
    asked = iter(range(100))
    with pytest.raises(Interrupted):
        toys.run(tmp_path / "cut", 6, find_rate=True, stop=lambda: next(asked) == 3)
    module, _ = toys.run(tmp_path / "cut", 6, find_rate=True)
    for name, tensor in expected.state_dict().items():
        assert torch.equal(tensor, module.state_dict()[name]), name
    first, found = rows_of(tmp_path / "plain")[0], rows_of(tmp_path / "whole")[0]
    assert found["loss"] == first["loss"]  # the same batch, the same dropout
    assert found["learning_rate"] != first["learning_rate"]


def test_rates_are_not_tried_on_private_rows():
    with pytest.raises(ValueError, match="find_rate"):
        toys.options(6, find_rate=True, dp={"epsilon": 8})


# ---- telling


def test_every_step_tells_its_share_of_the_ceiling(tmp_path, monkeypatch):
    logbook.ceiling_of.cache_clear()
    monkeypatch.setattr(logbook, "probe", lambda *arguments, **named: 1e9)
    toys.run(tmp_path, 2)
    logbook.ceiling_of.cache_clear()
    row = rows_of(tmp_path)[0]
    flops = logbook.count(toys.CONFIG).flops_per_token
    assert row["mfu"] == pytest.approx(flops * row["tokens_per_second"] / 1e9, rel=1e-2)
    assert math.isfinite(row["mfu"])


def test_measuring_the_ceiling_draws_nothing_from_training(monkeypatch):
    logbook.ceiling_of.cache_clear()
    monkeypatch.setattr(logbook, "PROBE_SIZE", 64)
    monkeypatch.setattr(logbook, "PROBE_SECONDS", 0.001)
    torch.manual_seed(3)
    before = torch.get_rng_state()
    assert logbook.ceiling_of(torch.device("cpu"), "fp32", 1) > 0
    assert torch.equal(before, torch.get_rng_state())
    logbook.ceiling_of.cache_clear()


def test_tensorboard_gets_every_step_and_look(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    toys.run(tmp_path, 4, tensorboard=True)
    read = EventAccumulator(str(tmp_path / "tensorboard"))
    read.Reload()
    assert [event.step for event in read.Scalars("train/loss")] == [1, 2, 3, 4]
    assert [event.step for event in read.Scalars("validation/noise")] == [3, 4]


def test_the_allocator_is_asked_on_linux_only(monkeypatch):
    monkeypatch.setattr("sys.platform", "darwin")
    assert keep_freed_memory() is False
