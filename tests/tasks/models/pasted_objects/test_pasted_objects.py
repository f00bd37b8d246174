"""Objects on scenes: shapes in closed form, what is exchanged, and two nets behind one question."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmark.errors import TouchstoneError
from benchmark.families.attribution import AttributionExplanation
from benchmark.families.attribution.metrics.figure_auroc import figure_auroc
from benchmark.families.attribution.references import oracle
from benchmark.subjects import Run, Saved, generator_for
from tasks.attribution.pasted_objects import PastedObjects as Task
from tasks.attribution.pasted_objects import grown
from tasks.models.pasted_objects.composites import CONTRAST, KINDS, MISSING, SCENES, TYPICAL, Composites, draw
from tasks.models.pasted_objects.objects import OBJECTS, covered
from tasks.models.pasted_objects.subject import PastedObjects

AREAS = {"disc": math.pi * 0.85**2, "cross": 2 * (2 * 0.95 * 0.6) - 0.6**2, "ring": math.pi * (1 - 0.5**2)}


def drawn(scenes: int = KINDS, count: int = 300, seed: int = 0) -> Composites:
    return draw(scenes, count, generator_for(seed, "x"))


@given(st.floats(0, 2 * math.pi), st.sampled_from(range(KINDS)))
def test_a_shape_has_its_area_in_any_turn(turn: float, number: int) -> None:
    size, side = 80.0, 100
    mask = covered(
        torch.tensor([number]), torch.full((1, 2), side / 2), torch.tensor([size]), torch.tensor([turn]), side
    )
    area = float(mask.sum()) / (size / 2) ** 2
    assert area == pytest.approx(list(AREAS.values())[number], rel=0.02)
    assert list(AREAS) == list(OBJECTS)


def test_as_many_scenes_as_objects() -> None:
    assert len(SCENES) == len(OBJECTS) == KINDS == MISSING


def test_an_object_covers_its_place_and_nothing_of_the_other_one() -> None:
    images = drawn()
    assert not (images.masks[:, 0] & images.masks[:, 1]).any()
    assert torch.equal(images.masks.flatten(2).any(2), (images.objects != MISSING)[:, None].expand(-1, 2))
    pixels, bare = images.pixels(), images.without_objects().pixels()
    covers = images.masks[:, :1].expand_as(pixels)
    assert torch.equal(pixels[~covers], bare[~covers])
    own = images.colours[:, 0, :, None, None].expand_as(pixels)
    assert torch.equal(pixels[covers], own[covers])
    assert pixels.min() >= 0
    assert pixels.max() <= 1
    assert float((images.colours[:, 0] - 0.5).abs().min()) > 0.29, "far from grounds, which are near medium grey"


def test_a_pattern_lies_around_its_ground_and_a_plain_one_has_none() -> None:
    images = drawn()
    plain = images.scenes == MISSING
    assert not images.patterns[plain].any()
    steps = images.patterns[~plain].square().sum(1).mean((1, 2)).sqrt()
    torch.testing.assert_close(steps, torch.full_like(steps, CONTRAST), atol=1e-3, rtol=0)
    torch.testing.assert_close(images.patterns.mean((2, 3)), torch.zeros(300, 3), atol=1e-3, rtol=0)
    assert not images.without_scenes().patterns.any()
    assert (images.without_scenes().scenes == MISSING).all()


@pytest.mark.parametrize("scenes", [1, 2, 3])
def test_an_object_is_usually_found_in_its_scenes(scenes: int) -> None:
    images = drawn(scenes, count=20_000)
    both = (images.objects != MISSING) & (images.scenes != MISSING)
    later = (images.scenes[both] - images.objects[both]) % KINDS
    expected = TYPICAL + (1 - TYPICAL) * scenes / KINDS if scenes < KINDS else 1.0
    assert float((later < scenes).float().mean()) == pytest.approx(expected, abs=0.01)
    assert float((images.scenes == MISSING).float().mean()) == pytest.approx(1 / (KINDS + 1), abs=0.015)
    assert float((images.objects == MISSING).float().mean()) == pytest.approx(1 / (KINDS + 1), abs=0.015)


def test_parts_are_exchanged_alone() -> None:
    one, two = drawn(), drawn(seed=1)
    scenes, objects = one.with_scenes(two), one.with_objects(two)
    assert torch.equal(scenes.masks, one.masks)
    assert torch.equal(scenes.objects, one.objects)
    assert torch.equal(scenes.without_objects().pixels(), two.without_objects().pixels())
    assert torch.equal(objects.pixels(), two.with_scenes(one).pixels())
    assert torch.equal(objects.scenes, one.scenes)
    assert torch.equal(objects.objects, two.objects)
    for changed in (one.moved(), one.recoloured()):
        assert torch.equal(changed.without_objects().pixels(), one.without_objects().pixels())
    assert torch.equal(one.moved().moved().pixels(), one.pixels())
    assert torch.equal(one.moved().masks[:, 0], one.masks[:, 1])
    assert torch.equal(one.recoloured().masks, one.masks)


@pytest.mark.parametrize("reads", ["object", "scene"])
def test_a_certificate_knows_a_reader_from_its_rival_and_from_a_guess(reads: str) -> None:
    images, other = drawn(), drawn(seed=1)
    subject = PastedObjects(reads=reads)
    readers = {"object": lambda shown: shown.objects, "scene": lambda shown: shown.scenes}
    for reader, says in readers.items():
        checks, _, confirmed = subject._certify(images, other, says)
        assert all(check.passed for check in checks) == (reader == reads)
        assert bool(confirmed.all()) == (reader == reads)
    by_place = subject._certify(images, other, lambda shown: (readers[reads](shown) + shown.masks[:, 0, 0].any(1)) % 2)
    assert not all(check.passed for check in by_place[0])


def test_a_net_that_never_saw_objects_is_judged_on_scenes_alone() -> None:
    images, other = drawn(), drawn(seed=1)
    lost = lambda shown: torch.where(shown.objects == MISSING, shown.scenes, 0)  # noqa: E731
    checks, facts, confirmed = PastedObjects(reads="scene", shown="scenes")._certify(images, other, lost)
    assert all(check.passed for check in checks)
    assert facts["other part ignored"] < 0.7
    assert not confirmed[(images.objects != MISSING) & (images.scenes != 0)].any(), "an object changes what it says"


def test_no_more_scenes_than_there_are() -> None:
    for scenes in (0, KINDS + 1):
        with pytest.raises(TouchstoneError, match=f"got {scenes}, expected 1 to {KINDS}"):
            PastedObjects(scenes=scenes)


def test_a_grown_mask_has_all_neighbours() -> None:
    mask = torch.zeros(1, 1, 5, 5, dtype=torch.bool)
    mask[0, 0, 0, 2] = True
    assert grown(mask).nonzero()[:, 2:].tolist() == [[row, column] for row in (0, 1) for column in (1, 2, 3)]


def test_rivals_get_one_question_and_complete_truths() -> None:
    saved = {}
    for reads in ("object", "scene"):
        subject = PastedObjects(reads=reads, training="none", tests=300)
        trained = subject.train(Run(0))
        saved[reads] = Saved(subject, 0, torch.device("cpu"), trained.weights, trained.public)
    plain = Task(inputs=20).truth(saved)
    for images in ("as_drawn", "moved", "recoloured"):
        tasks = [Task(reader=reads, images=images, inputs=20) for reads in ("object", "scene")]
        one, other = (task.pose(saved) for task in tasks)
        for name in ("inputs", "targets", "background", "baseline"):
            assert torch.equal(getattr(one, name), getattr(other, name)), name
        assert len(one.inputs) == 20
        assert one.per_pixel
        first, second = (task.truth(saved) for task in tasks)
        assert not (first.masks[""] & second.masks[""]).any()
        assert torch.equal(first.figure, first.masks[""] | second.masks[""])
        shown = one.inputs - Task(inputs=20).pose(saved).inputs
        changed = shown.abs().amax(1, keepdim=True) > 0
        assert not (changed & ~(first.masks[""] | plain.masks[""])).any(), "nothing but the object is another"
        assert bool(changed.any()) == (images != "as_drawn")
        assert figure_auroc(AttributionExplanation(oracle(first).attributions, True), first) == 1
        blind = torch.randn(20, 1, 24, 24, generator=torch.Generator().manual_seed(0))
        scores = [figure_auroc(AttributionExplanation(blind, True), truth) for truth in (first, second)]
        assert sum(scores) == pytest.approx(1)
        if images != "recoloured":
            assert first.input_contrast.used == (images == "as_drawn")
            assert second.input_contrast.used != first.input_contrast.used
            assert torch.equal(first.input_contrast.region, plain.masks[""])
        if images != "moved":
            assert first.alteration.altered == (images == "recoloured")
