"""Two digits on a ground: the parts of an image, what is exchanged, and two nets behind one question."""

from __future__ import annotations

import pytest
import torch

from benchmark.families.attribution import AttributionExplanation
from benchmark.families.attribution.metrics.figure_auroc import figure_auroc
from benchmark.families.attribution.references import oracle
from benchmark.subjects import Run, Saved, generator_for
from tasks.attribution.noise_images import NoiseImages as Task
from tasks.models.noise_images.images import DIGIT, GROUPS, INK, MISSING, QUARTER, Groups, Images, draw, groups
from tasks.models.noise_images.subject import NoiseImages
from tasks.models.shared.digits import read_digits


@pytest.fixture(scope="module")
def digits() -> Groups:
    data = read_digits("digits", "", generator_for(0, "split"))
    return groups(data.test, data.test_labels)


def drawn(digits: Groups, seed: int = 0, **given) -> Images:
    settings = {"ground": "noise", "strength": 0.3, "places": "random", **given}
    return draw(digits, settings["ground"], settings["strength"], settings["places"], 200, generator_for(seed, "x"))


def test_groups_hold_their_digits_by_code() -> None:
    data = read_digits("digits", "", generator_for(0, "split"))
    found = groups(data.test, data.test_labels)
    for group, named in zip(found, GROUPS, strict=True):
        for code, digit in enumerate(named):
            own = data.test[data.test_labels == digit]
            assert int((group.codes == code).sum()) == len(own)
            small = group.strokes[group.codes == code]
            torch.testing.assert_close(small.mean((1, 2)), own.mean((1, 2)), atol=0.02, rtol=0)


@pytest.mark.parametrize("places", ["random", "fixed"])
def test_an_image_is_its_ground_and_two_digits_in_quarters_of_their_own(digits: Groups, places: str) -> None:
    images = drawn(digits, places=places)
    boxes, ink = images.boxes(), images.ink()
    assert not (boxes[:, 0] & boxes[:, 1]).any()
    assert not (ink & ~boxes).any()
    assert torch.equal(boxes.flatten(2).sum(2), torch.full((200, 2), DIGIT**2))
    quarters = boxes.unflatten(3, (2, QUARTER)).unflatten(2, (2, QUARTER)).any(3).any(4)
    assert torch.equal(quarters.flatten(2).sum(2), torch.ones(200, 2, dtype=torch.int64))
    on_top = images.pixels()[:, 0] - images.ground
    torch.testing.assert_close(on_top.masked_fill(boxes.any(1), 0), torch.zeros(200, 24, 24))
    assert torch.equal((on_top >= INK - 1e-6) | ~ink.any(1), torch.ones(200, 24, 24, dtype=torch.bool))
    assert torch.equal(ink.flatten(2).any(2), images.codes != MISSING)
    assert len(images.corners.flatten(1).unique(dim=0)) == 1 if places == "fixed" else True
    assert set(images.codes.flatten().tolist()) == {0, 1, MISSING}


@pytest.mark.parametrize("which", [0, 1])
def test_one_digit_is_exchanged_or_taken_out_alone(digits: Groups, which: int) -> None:
    one, two = drawn(digits), drawn(digits, seed=1)
    mixed, bare, moved = one.with_digit(which, two), one.without(which), one.with_ground(two)
    kept = 1 - which
    for changed in (mixed, bare):
        assert torch.equal(changed.ground, one.ground)
        assert torch.equal(changed.boxes(), one.boxes())
        assert torch.equal(changed.ink()[:, kept], one.ink()[:, kept])
        assert torch.equal(changed.codes[:, kept], one.codes[:, kept])
    assert torch.equal(mixed.strokes[:, which], two.strokes[:, which])
    assert torch.equal(mixed.codes[:, which], two.codes[:, which])
    assert (bare.codes[:, which] == MISSING).all()
    assert not bare.ink()[:, which].any()
    torch.testing.assert_close(moved.pixels()[:, 0] - two.ground, one.pixels()[:, 0] - one.ground)


@pytest.mark.parametrize("ground", ["noise", "texture"])
def test_the_ground_is_as_strong_as_it_is_said_to_be(digits: Groups, ground: str) -> None:
    found = drawn(digits, ground=ground, strength=0.4).ground
    assert float(found.std()) == pytest.approx(0.4, rel=0.05)
    assert float(found.mean()) == pytest.approx(0, abs=0.01)


def test_a_certificate_knows_a_reader_from_its_rival_and_from_a_guess(digits: Groups) -> None:
    images, other = drawn(digits), drawn(digits, seed=1)
    subject = NoiseImages()
    for number, good in ((0, True), (1, False)):
        checks, confirmed = subject._certify(images, other, lambda shown, number=number: shown.codes[:, number])
        assert all(check.passed for check in checks) == good
        assert bool(confirmed.all()) == good
    checks, _ = subject._certify(images, other, lambda shown: torch.zeros(len(shown.codes), dtype=torch.int64))
    assert {check.name for check in checks if not check.passed} == {
        "accuracy",
        "own digit followed",
        "own digit missed",
    }
    half = torch.arange(200) % 2 == 0
    _, confirmed = subject._certify(images, other, lambda shown: torch.where(half, shown.codes[:, 0], 0))
    assert confirmed[half].all()
    assert not confirmed[~half].any(), "an answer that stays when its digit is taken out rests on nothing"


def test_rivals_get_one_question_and_complete_truths() -> None:
    saved = {}
    for reads in ("low", "high"):
        subject = NoiseImages(reads=reads, training="none", tests=200)
        trained = subject.train(Run(0))
        saved[reads] = Saved(subject, 0, torch.device("cpu"), trained.weights, trained.public)
    low, high = (Task(reader=reads, inputs=20) for reads in ("low", "high"))
    one, other = low.pose(saved), high.pose(saved)
    for name in ("inputs", "targets", "background", "baseline"):
        assert torch.equal(getattr(one, name), getattr(other, name)), name
    assert len(one.inputs) == 20
    assert set(one.targets.tolist()) == {0, 1}
    first, second = low.truth(saved), high.truth(saved)
    assert not (first.masks[""] & second.masks[""]).any()
    assert torch.equal(first.figure, first.masks["digit"] | second.masks["digit"])
    assert torch.equal(first.contrast.region, second.contrast.region)
    assert figure_auroc(oracle(first), first) == 1
    blind = AttributionExplanation(torch.randn(one.inputs.shape, generator=torch.Generator().manual_seed(0)))
    assert figure_auroc(blind, first) + figure_auroc(blind, second) == pytest.approx(1)
