"""What is cut off cannot reach the output, not by a bit; and no image says which cells that are."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from benchmark.errors import TouchstoneError
from benchmark.families.attribution import AttributionExplanation
from benchmark.families.attribution.metrics.false_positive_mass import false_positive_mass
from benchmark.subjects import Run, Saved
from methods.attribution.guided_backprop import guided_backprop
from tasks.attribution.impossible_cells import ImpossibleCells as Task
from tasks.models.impossible_cells.grids import SEEN, cells_of, draw
from tasks.models.impossible_cells.network import build
from tasks.models.impossible_cells.subject import ImpossibleCells, in_pixels

CUTS = [*(("erased", depth) for depth in range(4)), *(("cancelled", depth) for depth in (1, 2, 3))]
PAIRS = [("top", "bottom"), ("left", "right"), ("falling", "rising")]


def drawn(count: int = 50, seed: int = 0):
    return draw(count, torch.Generator().manual_seed(seed))


def saved(sees: str, seed: int = 3) -> Saved:
    subject = ImpossibleCells(sees=sees, training="none", tests=100)
    trained = subject.train(Run(seed))
    return Saved(subject, seed, torch.device("cpu"), trained.weights, trained.public)


def test_every_cell_shows_nine_pixels_of_its_sign_within_its_borders() -> None:
    grids = drawn(400)
    assert set(grids.ink.flatten(3).sum(3).flatten().tolist()) == {9}
    pixels, figure = grids.pixels(), grids.figure()
    assert pixels.shape == (400, 1, 16, 16)
    assert torch.equal(pixels[:, 0, :8, 8:], (grids.ground + grids.ink)[:, 0, 1])
    assert torch.equal(figure[:, 0, 8:, :8], grids.ink[:, 1, 0])
    for number in (0, 1):
        assert len(grids.ink[grids.classes == number].flatten(1).unique(dim=0)) == 16


@pytest.mark.parametrize("sees", SEEN)
def test_only_the_chosen_cells_are_exchanged(sees: str) -> None:
    one, other, chosen = drawn(), drawn(seed=1), cells_of(sees)
    mixed = one.with_cells(chosen, other)
    inside = in_pixels(chosen)
    assert torch.equal(mixed.pixels()[:, inside], other.pixels()[:, inside])
    assert torch.equal(mixed.pixels()[:, ~inside], one.pixels()[:, ~inside])
    assert torch.equal(mixed.count(chosen), other.count(chosen))
    assert torch.equal(mixed.count(~chosen), one.count(~chosen))


def test_all_ways_to_see_two_cells_are_there_in_pairs() -> None:
    assert {tuple(cells_of(sees).flatten().tolist()) for sees in SEEN} == {
        tuple(place in pair for place in range(4)) for pair in torch.combinations(torch.arange(4)).tolist()
    }
    assert all(torch.equal(cells_of(one), ~cells_of(other)) for one, other in PAIRS)


@pytest.mark.parametrize(("cut", "depth"), CUTS)
@pytest.mark.parametrize("sees", ["top", "rising"])
def test_what_is_cut_off_changes_no_bit_and_has_no_slope(cut: str, depth: int, sees: str) -> None:
    torch.manual_seed(0)
    seen = cells_of(sees)
    model = build(seen, depth, cut, 16).eval()
    grids = drawn()
    with torch.no_grad():
        before, after = (model(each.pixels()) for each in (grids, grids.with_cells(~seen, drawn(seed=1))))
        moved = model(grids.with_cells(seen, drawn(seed=1)).pixels())
    assert torch.equal(before, after)
    assert (moved != before).any(1).all()
    pixels = grids.pixels().requires_grad_()
    (slope,) = torch.autograd.grad(model(pixels).square().sum(), pixels)
    assert (slope[:, in_pixels(~seen)] == 0).all()
    assert (slope[:, in_pixels(seen)] != 0).any()


def test_erased_and_cancelled_are_one_function_and_guided_backpropagation_tells_them_apart() -> None:
    torch.manual_seed(0)
    seen = cells_of("top")
    erased, cancelled = (build(seen, 3, cut, 16) for cut in ("erased", "cancelled"))
    layers = [layer for layer in erased if list(layer.parameters())]
    for layer, other in zip(layers, [layer for layer in cancelled if list(layer.parameters())], strict=True):
        other.load_state_dict(layer.state_dict())
    pixels = drawn().pixels()
    torch.testing.assert_close(erased(pixels), cancelled(pixels), rtol=0, atol=0)
    question = Task(inputs=20).pose(saved("top"))
    for model, nothing in ((erased, True), (cancelled, False)):
        found = guided_backprop(replace(question, model=model.eval()))[:, in_pixels(~seen)]
        assert bool((found == 0).all()) == nothing


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_rivals_are_asked_the_same_and_their_truths_complete_each_other(one: str, other: str) -> None:
    task = Task(inputs=30)
    questions, truths = zip(*((task.pose(each), task.truth(each)) for each in map(saved, (one, other))), strict=True)
    for name in ("inputs", "targets", "background", "baseline"):
        assert torch.equal(*(getattr(question, name) for question in questions))
    assert torch.equal(truths[0].zero_set, truths[1].masks[""])
    assert torch.equal(truths[0].figure, truths[1].figure)
    noise = AttributionExplanation(torch.randn(questions[0].inputs.shape, generator=torch.Generator().manual_seed(0)))
    assert sum(false_positive_mass(noise, truth) for truth in truths) == pytest.approx(1, abs=1e-6)


def test_depths_that_are_not_there_are_refused() -> None:
    for depth in (-1, 4):
        with pytest.raises(TouchstoneError, match=f"depth: got {depth}, expected 0 to 3"):
            ImpossibleCells(depth=depth)
    with pytest.raises(TouchstoneError, match="where no ReLU is"):
        ImpossibleCells(depth=0, cut="cancelled")


@pytest.mark.parametrize("given", [{}, {"cut": "cancelled", "sees": "rising"}, {"training": "none"}])
def test_trained_nets_are_certified(given: dict) -> None:
    trained = ImpossibleCells(steps=250, tests=300, **given).train(Run(1))
    assert all(check.passed for check in trained.checks), trained.checks
