"""Broken lines, what they do on the way, and what is asked about them."""

from __future__ import annotations

import functools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.families.attribution import check, references
from benchmark.families.attribution.metrics.behaviour_accuracy import behaviour_accuracy
from benchmark.subjects import Run, Saved
from methods.attribution.integrated_gradients import integrated_gradients
from methods.attribution.repeated_evaluation import repeated_evaluation
from tasks.attribution.local_behaviour import LocalBehaviour
from tasks.models.zigzags.lines import AFTER, BEFORE, CELLS, COLUMNS, PRESENT, STATION, Lines, draw
from tasks.models.zigzags.subject import Zigzags, moves

SLOPES = torch.tensor([[1, -1, 0, 0, 1], [0, 0, 0, 0, 0], [-1, -1, -1, -1, -1]])
reaches = st.floats(0.01, 0.5)
starts = st.floats(0, 0.5)


def at(*values: float) -> torch.Tensor:
    return torch.tensor([values])


def drawn(seed: int) -> Lines:
    return Lines.draw(torch.Generator().manual_seed(seed))


@functools.cache
def saved() -> dict[str, Saved]:
    found = {}
    for sign in ("plain", "mirrored"):
        subject = Zigzags(sign=sign, steps=700)
        trained = subject.train(Run(0))
        assert all(one.passed for one in trained.checks), trained.checks
        found[sign] = Saved(subject, 0, torch.device("cpu"), trained.weights, trained.public)
    return found


def test_a_line_is_the_sum_of_its_slopes_up_to_here() -> None:
    lines = Lines(SLOPES)
    torch.testing.assert_close(lines.heights(at(0, 0, 0)), at(0, 0, 0))
    torch.testing.assert_close(lines.heights(at(0.1, 0.5, 0.5)), at(0.5, 0, -2.5))
    torch.testing.assert_close(lines.heights(at(0.3, 1, 1)), at(0.5, 0, -5))
    torch.testing.assert_close(lines.values(at(0.3, 1, 1)), torch.tensor([-4.5]))


def test_every_way_up_to_here_is_followed_by_every_way_from_here() -> None:
    one, other = drawn(0), drawn(1)
    assert {tuple(row) for row in one.slopes[:, :3].tolist()} == {(a, *after) for a in BEFORE for after in AFTER}
    assert not torch.equal(one.slopes[:, :3], other.slopes[:, :3]), "in an order of its own"


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("reach", [0.05, 0.25, 0.35])
def test_where_a_line_is_says_nothing_of_where_it_goes(seed: int, reach: float) -> None:
    lines = drawn(seed)
    for cell in torch.linspace(*STATION, 20).tolist():
        inputs = torch.full((1, COLUMNS), cell / CELLS)
        heights, due = lines.heights(inputs)[0], lines.moves(inputs, reach)[0]
        assert torch.equal(heights.sign(), lines.slopes[:, 0].float())
        assert torch.equal((heights - lines.means()).sign(), lines.slopes[:, 0].float()), "as removal by others sees it"
        for before in BEFORE:
            assert sorted(due[lines.slopes[:, 0] == before].tolist()) == pytest.approx(
                sorted((-due[lines.slopes[:, 0] == before]).tolist()), abs=1e-5
            )


def test_the_mean_of_a_line_is_that_over_inputs() -> None:
    lines, inputs = drawn(0), draw(200_000, torch.Generator().manual_seed(1))
    assert float((inputs > 0).double().mean()) == pytest.approx(PRESENT, abs=0.01)
    torch.testing.assert_close(lines.heights(inputs).mean(0), lines.means(), atol=0.02, rtol=0)


@given(st.integers(0, 50), starts, reaches, st.floats(0, 1))
@settings(max_examples=40, deadline=None)
def test_two_moves_are_one(seed: int, start: float, reach: float, share: float) -> None:
    lines, inputs = drawn(seed), torch.full((1, COLUMNS), start).double()
    first, second = share * reach, (1 - share) * reach
    both = lines.moves(inputs, first) + lines.moves(inputs + first, second)
    torch.testing.assert_close(both, lines.moves(inputs, reach))


@given(st.integers(0, 50), starts, reaches)
@settings(max_examples=40, deadline=None)
def test_a_line_stays_where_no_part_of_the_way_moves_it(seed: int, start: float, reach: float) -> None:
    lines, inputs = drawn(seed), torch.full((1, COLUMNS), start).double()
    way = torch.stack([lines.moves(inputs, reach * step / 64) for step in range(1, 65)])
    assert not way.abs().amax(0)[lines.still(inputs, reach)].gt(1e-9).any()
    crossed = start * CELLS % 1 < 0.9, (start + reach) * CELLS % 1 > 0.1
    if all(crossed):  # else less than a tenth of a cell is on the way, and 64 points may miss it
        assert (way.abs().amax(0)[~lines.still(inputs, reach)] > 1e-3).all()


def test_both_nets_are_certified_and_random_weights_tell_nothing() -> None:
    assert saved().keys() == {"plain", "mirrored"}
    untrained = Zigzags(training="none").train(Run(0))
    assert all(one.passed for one in untrained.checks), untrained.checks


@pytest.mark.parametrize("reach", [0.05, 0.25, 0.35])
def test_rivals_are_asked_the_same_and_answer_the_opposite(reach: float) -> None:
    plain, mirrored = (LocalBehaviour(about=about, reach=reach, inputs=60) for about in ("plain", "mirrored"))
    one, other = plain.truth(saved()).behaviours, mirrored.truth(saved()).behaviours
    assert one is not None
    assert other is not None
    assert torch.equal(one.asked, other.asked)
    assert torch.equal(one.direction, -other.direction)
    question, rival = plain.pose(saved()), mirrored.pose(saved())
    assert torch.equal(question.inputs, rival.inputs)
    done = moves(question.model, question.inputs, reach)
    assert torch.equal(done.sign()[one.asked & (one.direction != 0)], one.direction[one.asked & (one.direction != 0)])


def test_complete_attributions_guess_and_evaluations_know() -> None:
    task = LocalBehaviour(inputs=60)
    question, truth = task.pose(saved()), task.truth(saved())
    told = {name: check(method(question), question) for name, method in METHODS.items()}
    assert behaviour_accuracy(told["integrated_gradients"], truth)[""] == pytest.approx(0.5, abs=0.1)
    assert behaviour_accuracy(told["repeated_evaluation"], truth) == {"": 1, "spurious": 1}
    assert behaviour_accuracy(references.oracle(truth), truth) == {"": 1, "spurious": 1}
    lines = saved()["plain"].subject.lines(saved()["plain"])
    found, way = told["integrated_gradients"].attributions, lines.heights(question.inputs)
    assert (found - way).abs().mean() < 0.15 * way.abs().mean(), "the way from the baseline, as planted"


METHODS = {"integrated_gradients": integrated_gradients, "repeated_evaluation": repeated_evaluation}
