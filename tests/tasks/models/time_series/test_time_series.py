"""Events, what is exchanged between series, and a recurrent net that is what it says."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.errors import TouchstoneError
from benchmark.subjects import Run, Saved
from tasks.attribution.time_series import TimeSeriesTask
from tasks.models.time_series.nets import Gated
from tasks.models.time_series.series import (
    BURST,
    CHANNELS,
    DECOY,
    DRIFT,
    MARK,
    SPIKE,
    TONE,
    VALUE,
    WINDOW,
    Series,
    draw,
)
from tasks.models.time_series.subject import TimeSeries

KINDS = ("spike", "band", "state")
LENGTH, DELAY = 32, 12


def drawn(kind: str, count: int = 200, seed: int = 0, delay: int = DELAY) -> Series:
    return draw(kind, count, LENGTH, delay, torch.arange(CHANNELS), torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("kind", KINDS)
def test_a_class_shows_where_the_truth_is_and_nowhere_else(kind: str) -> None:
    series = drawn(kind)
    for event in range(2):
        other = series.with_class(event, 1 - series.classes[:, event])
        changed = (other.inputs() != series.inputs())[:, 0]
        assert torch.equal(changed, series.valued()[:, event])
    assert not (series.valued()[:, 0] & series.valued()[:, 1]).any()
    assert not (series.marked()[:, 0] & series.marked()[:, 1]).any()


@given(seed=st.integers(0, 2**31), delay=st.integers(0, LENGTH - WINDOW))
@settings(max_examples=20, deadline=None)
def test_spikes_fall_within_their_window_and_events_at_steps_of_their_own(seed: int, delay: int) -> None:
    series = drawn("spike", 50, seed, delay)
    for event, sign in ((0, 1), (1, -1)):
        steps = series.valued()[:, event, VALUE].int().argmax(1)
        rows = torch.arange(50)
        assert torch.equal(series.valued()[:, event].flatten(1).sum(1), torch.ones(50))
        assert (series.marks[rows, event, MARK, steps] == sign * SPIKE).all(), "the mark is at the step of its spike"
        assert (
            series.values[rows, event, series.classes[:, event], VALUE, steps]
            == SPIKE * (2 * series.classes[:, event] - 1)
        ).all()
        assert (series.others[rows, VALUE, steps] == 0).all()
    shown = (series.inputs()[:, 0] - series.noise) != 0
    assert not shown[:, :, LENGTH - delay :].any()
    assert not shown[:, :, : LENGTH - delay - WINDOW].any()


def test_bursts_are_tones_of_a_dozen_steps_in_channels_of_their_own() -> None:
    series = drawn("band")
    assert (series.values.abs() <= TONE).all()
    assert (series.valued().flatten(2).sum(2) == BURST).all()
    channels = torch.cat(
        [series.valued().any(3).int().argmax(2), (series.others != 0).any(2).int().argmax(1)[:, None]], 1
    )
    assert all(len(set(row)) == 3 for row in channels.tolist())
    energy = series.values.square().sum((3, 4)) / (TONE**2 * BURST / 2)
    assert float(energy.mean()) == pytest.approx(1, abs=0.05), "of a sine"


def test_either_state_takes_a_quarter_of_the_steps_and_drifts_one_way() -> None:
    series = drawn("state", 3000)
    assert series.valued()[:, :, VALUE].sum(2).min() >= LENGTH // 4
    assert (series.valued()[:, 0, VALUE] ^ series.valued()[:, 1, VALUE]).all(), "at each step one state is on"
    assert torch.equal(series.valued()[:, :, VALUE], series.marked()[:, :, MARK])
    rows = torch.arange(3000)
    up = series.values[rows, 0, series.classes[:, 0], VALUE][series.valued()[:, 0, VALUE]]
    assert torch.equal(up.unique(), torch.tensor([-DRIFT, DRIFT]))
    decoy = (series.others[:, DECOY] / DRIFT).round()
    assert torch.equal(decoy.abs(), torch.ones_like(decoy))


def test_noise_remembers_half_of_itself() -> None:
    noise = drawn("spike", 4000).noise
    assert float(noise.var()) == pytest.approx(1, abs=0.02)
    assert float((noise[..., 1:] * noise[..., :-1]).mean()) == pytest.approx(0.5, abs=0.02)
    assert float(noise[..., 0].var()) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("kind", ["spike", "band"])
def test_an_event_is_exchanged_where_there_is_room_and_all_else_stays(kind: str) -> None:
    one, two = drawn(kind, 100), drawn(kind, 100, seed=1)
    mixed = one.with_event_of(1, two)
    assert torch.equal(mixed.noise, one.noise)
    assert torch.equal(mixed.others, one.others)
    assert torch.equal(mixed.valued()[:, 0], one.valued()[:, 0])
    assert torch.equal(mixed.classes[:, 0], one.classes[:, 0])
    taken = mixed.valued()[:, 1] | mixed.marked()[:, 1]
    assert not (taken & ((one.others != 0) | one.valued()[:, 0] | one.marked()[:, 0])).any()
    assert (mixed.valued()[:, 1] != one.valued()[:, 1]).flatten(1).any(1).float().mean() > 0.8
    whole = {
        (tuple(part.flatten().nonzero()[:, 0].tolist()), int(c))
        for part, c in zip(two.values[:, 1], two.classes[:, 1], strict=True)
    }
    assert all(
        (tuple(part.flatten().nonzero()[:, 0].tolist()), int(c)) in whole
        for part, c in zip(mixed.values[:, 1], mixed.classes[:, 1], strict=True)
    ), "place and class are those of one event"


def test_the_order_of_channels_moves_all_parts_together() -> None:
    order = torch.tensor([2, 0, 3, 1])
    plain = drawn("state", 20)
    moved = draw("state", 20, LENGTH, DELAY, order, torch.Generator().manual_seed(0))
    shown, there = (one.inputs()[:, 0] - one.noise for one in (moved, plain))
    torch.testing.assert_close(shown, there[:, order])
    assert torch.equal(moved.valued(), plain.valued()[:, :, order])


def test_the_recurrent_net_is_the_gated_unit_of_the_library() -> None:
    torch.manual_seed(0)
    net = Gated(CHANNELS, LENGTH, 8).double()
    cell = torch.nn.GRUCell(CHANNELS, 8).double()
    keep, reset, fresh = net.seen.weight.detach().split(8)
    gates = net.gates.weight.detach().split(8)
    with torch.no_grad():
        cell.weight_ih.copy_(torch.cat([reset, keep, fresh]))
        parts = net.seen.bias.split(8)
        cell.bias_ih.copy_(torch.cat([parts[1], parts[0], parts[2]]))
        cell.weight_hh.copy_(torch.cat([gates[1], gates[0], torch.zeros(8, 8)]))
        cell.bias_hh.zero_()
        net.candidate.weight.zero_()  # the library's cell resets after the product, where the paper's resets before it
    x = torch.randn(3, 1, CHANNELS, LENGTH, dtype=torch.float64)
    state = torch.zeros(3, 8, dtype=torch.float64)
    for step in x[:, 0].unbind(2):
        state = cell(step, state)
    torch.testing.assert_close(net(x), net.answer(state))


def test_the_recurrent_net_starts_with_a_memory_of_the_series() -> None:
    torch.manual_seed(0)
    net = Gated(CHANNELS, LENGTH, 200)
    assert float(net.seen.bias[:200].detach().mean()) == pytest.approx(math.log(LENGTH - 1), abs=0.1)


@pytest.mark.parametrize("delay", [-1, LENGTH - WINDOW + 1])
def test_a_delay_that_leaves_no_room_is_refused(delay: int) -> None:
    with pytest.raises(TouchstoneError, match="expected 0 to 20"):
        TimeSeries(delay=delay)


def test_trained_nets_are_certified_and_rivals_share_inputs_and_split_the_figure() -> None:
    saved = {}
    for reads in ("first", "second"):
        subject = TimeSeries(reads=reads, steps=200, kind="state", tests=400)
        trained = subject.train(Run(1))
        assert all(check.passed for check in trained.checks), trained.checks
        saved[reads] = Saved(subject, 1, torch.device("cpu"), trained.weights, trained.public)
    first, second = (TimeSeriesTask(reader=reads, inputs=30) for reads in ("first", "second"))
    one, two = first.pose(saved), second.pose(saved)
    assert torch.equal(one.inputs, two.inputs)
    assert torch.equal(one.targets, two.targets)
    mine, theirs = first.truth(saved), second.truth(saved)
    assert torch.equal(mine.figure, theirs.figure)
    assert torch.equal(mine.figure & mine.masks[""], mine.figure & ~theirs.masks[""])
    assert torch.equal(mine.masks["values"], mine.figure & mine.masks[""]), "the mark is in both truths"
    assert not (mine.zero_set & mine.masks[""]).any()
    assert (one.model(one.inputs).argmax(1) == one.targets).all(), "only what the net gets right is asked about"
