"""Parts are where their masks say, and an exchange changes them and nothing else."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.errors import TouchstoneError
from benchmark.subjects import Run, Saved
from tasks.attribution.flower_parts import FlowerParts as Task
from tasks.models.flower_parts.flowers import GROUND, Flowers, draw
from tasks.models.flower_parts.outlines import LAYERS, PARTS
from tasks.models.flower_parts.subject import SIDE, FlowerParts

PETALS, LEAVES = PARTS.index("petals"), PARTS.index("leaves")


def drawn(seed: int = 0, parts: int = 6, count: int = 30, side: int = SIDE) -> Flowers:
    return draw(count, parts, side, torch.Generator().manual_seed(seed))


def test_the_layers_are_the_parts() -> None:
    assert sorted(LAYERS) == sorted(PARTS)


@given(st.integers(0, 10_000), st.integers(2, 6), st.sampled_from([24, 48]))
@settings(max_examples=10, deadline=None)
def test_no_pixel_is_of_two_parts_and_every_part_is_seen(seed: int, parts: int, side: int) -> None:
    masks = drawn(seed, parts, side=side).masks()
    assert masks.shape == (30, parts, side, side)
    assert int(masks.sum(1).max()) == 1
    assert masks.flatten(2).any(2).all()


@given(st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_a_shape_is_told_by_its_outline_and_the_two_parts_that_are_read_are_apart(seed: int) -> None:
    flowers = drawn(seed)
    regions = [flowers.where(part, "shape") for part in (PETALS, LEAVES)]
    assert not (regions[0][0] & regions[1][0]).any()
    for region, outline in regions:
        assert (outline <= region).all()
        assert (outline.flatten(1).sum(1) >= 6).all()
        assert (region & ~outline).flatten(1).any(1).all()


@pytest.mark.parametrize("part", range(6))
def test_another_colour_changes_the_part_alone(part: int) -> None:
    flowers, other = drawn(), drawn(1)
    changed = flowers.exchanged([part], "colour", other)
    moved = (changed.pixels() != flowers.pixels()).any(1)
    assert torch.equal(moved, flowers.masks()[:, part])
    assert torch.equal(changed.classes("colour")[:, part], other.classes("colour")[:, part])
    assert torch.equal(changed.classes("shape"), flowers.classes("shape"))


@pytest.mark.parametrize("part", range(6))
def test_another_shape_changes_its_outline_alone(part: int) -> None:
    flowers, other = drawn(), drawn(1)
    changed = flowers.exchanged([part], "shape", other)
    moved = (changed.pixels() != flowers.pixels()).any(1)
    differs = flowers.shape[:, part] != other.shape[:, part]
    outline = flowers.where(part, "shape")[1]
    assert torch.equal(moved[differs], outline[differs])
    assert not moved[~differs].any()


def test_colours_and_shapes_are_even_and_independent() -> None:
    flowers = drawn(count=3000)
    classes = torch.cat([flowers.colour, flowers.shape], 1).double()
    assert (classes.mean(0) - 0.5).abs().max() < 0.05
    correlations = torch.corrcoef(classes.T) - torch.eye(12)
    assert correlations.abs().max() < 0.08


def test_red_is_red_and_the_ground_is_grey() -> None:
    flowers = drawn(count=200)
    pixels, masks = flowers.pixels(), flowers.masks()
    for part in range(6):
        redder = (pixels[:, 0] - pixels[:, 2]) * masks[:, part]
        means = redder.flatten(1).sum(1) / masks[:, part].flatten(1).sum(1)
        assert ((means > 0) == (flowers.colour[:, part] == 0)).all()
    ground = pixels[(~masks.any(1))[:, None].expand_as(pixels)]
    assert float(ground.mean()) == pytest.approx(GROUND, abs=0.01)


@pytest.mark.parametrize("parts", [1, 7])
def test_flowers_have_two_to_six_parts(parts: int) -> None:
    with pytest.raises(TouchstoneError, match=f"parts: got {parts}, expected 2 to 6"):
        FlowerParts(parts=parts)


def test_rivals_are_asked_the_same_and_their_truths_share_one_figure() -> None:
    posed = {}
    for by in ("colour", "shape"):
        saved = {}
        for reads in ("petals", "leaves"):
            subject = FlowerParts(reads=reads, by=by, training="none", tests=80)
            trained = subject.train(Run(2))
            saved[reads] = Saved(subject, 2, torch.device("cpu"), trained.weights, trained.public)
        tasks = [Task(reader=reads, inputs=20) for reads in ("petals", "leaves")]
        questions, truths = [task.pose(saved) for task in tasks], [task.truth(saved) for task in tasks]
        for name in ("inputs", "targets", "background", "baseline"):
            assert torch.equal(*(getattr(question, name) for question in questions))
        first, second = (truth.masks[""] for truth in truths)
        assert torch.equal(truths[0].figure, first | second)
        assert torch.equal(truths[0].figure, truths[1].figure)
        assert not (first & second).any()
        posed[by] = truths[0]
    assert list(posed["colour"].masks) == [""]
    assert list(posed["shape"].masks) == ["", "outline"]


@pytest.mark.parametrize("given", [{}, {"by": "shape", "training": "none"}])
def test_nets_are_certified(given: dict) -> None:
    trained = FlowerParts(steps=150, tests=300, **given).train(Run(1))
    assert all(check.passed for check in trained.checks), trained.checks
