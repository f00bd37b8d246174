"""Stacked digits: the pairs, a certificate that knows a reader from its rival, and two models behind one question."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from benchmark.families.attribution import AttributionExplanation
from benchmark.families.attribution.metrics.average_precision import average_precision
from benchmark.families.attribution.metrics.figure_auroc import figure_auroc
from benchmark.families.attribution.metrics.figure_choice import figure_choice
from benchmark.families.attribution.metrics.figure_mass import figure_mass
from benchmark.families.attribution.metrics.rank_accuracy import rank_accuracy
from benchmark.families.attribution.metrics.truth_mass import truth_mass
from benchmark.subjects import Run, Saved, generator_for
from tasks.attribution.stacked_digits import INK, StackedDigitsTask
from tasks.models.shared.digits import read_digits
from tasks.models.shared.stacking import SIDE, first_mask
from tasks.models.shared.training import predict
from tasks.models.stacked_digits.certificate import certify
from tasks.models.stacked_digits.pairs import CODES, Pairs, draw_pairs, groups
from tasks.models.stacked_digits.subject import StackedDigits

READERS = ("low", "high")
FEW = 8


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    data = read_digits("digits", "", generator_for(0, "split"))
    return draw_pairs(groups(data.test, data.test_labels), 120, generator_for(0, "test pairs"))


@pytest.fixture(scope="module")
def rivals() -> dict[str, Saved]:
    found = {}
    for reads in READERS:
        subject = StackedDigits(reads=reads, epochs=FEW, tests=400)
        trained = subject.train(Run(3))
        found[reads] = Saved(subject, 3, torch.device("cpu"), trained.weights, trained.public)
    return found


def test_each_image_stacks_a_low_and_a_high_digit(pairs):
    images, low = pairs.images(), first_mask(pairs.tops)
    assert torch.equal(images[low].view(-1, SIDE, SIDE), pairs.groups.low.digits[pairs.low])
    assert torch.equal(images[~low].view(-1, SIDE, SIDE), pairs.groups.high.digits[pairs.high])
    assert 0.3 < pairs.tops.float().mean() < 0.7
    data = read_digits("digits", "", generator_for(0, "split"))
    by_image = {image.numpy().tobytes(): int(label) for image, label in zip(data.test, data.test_labels, strict=True)}
    for reads, first in (("low", 0), ("high", CODES)):
        group = getattr(pairs.groups, reads)
        digits = [by_image[image.numpy().tobytes()] for image in group.digits]
        assert [first + code for code in group.codes.tolist()] == digits


@pytest.mark.parametrize("what", READERS)
@pytest.mark.parametrize("other_code", [False, True])
def test_an_exchange_changes_one_digit_and_nothing_else(pairs, what, other_code):
    kept = "high" if what == "low" else "low"
    drawn = list(pairs.exchange(what, 5, other_code, generator_for(0, "exchange")))
    assert len(drawn) == 5
    for changed in drawn:
        assert torch.equal(changed.tops, pairs.tops)
        assert torch.equal(getattr(changed, kept), getattr(pairs, kept))
        assert not (getattr(changed, what) == getattr(pairs, what)).any()
        same = changed.codes(what) == pairs.codes(what)
        assert not same.any() if other_code else same.any()


class Nearest(nn.Module):
    """Names the low (or the high) digit by the nearest one of its group, wherever it lies."""

    def __init__(self, pairs: Pairs, reads: str) -> None:
        super().__init__()
        self.group = getattr(pairs.groups, reads)

    def forward(self, images: Tensor) -> Tensor:
        blocks = images.reshape(-1, SIDE * SIDE)
        distances = torch.cdist(blocks, self.group.digits.flatten(1)).view(len(images), 2, -1).amin(1)
        return torch.stack([-distances[:, self.group.codes == code].amin(1) for code in range(CODES)], 1)


class Both(nn.Module):
    """Listens to both digits alike."""

    def __init__(self, pairs: Pairs) -> None:
        super().__init__()
        self.first, self.second = Nearest(pairs, "low"), Nearest(pairs, "high")

    def forward(self, images: Tensor) -> Tensor:
        return self.first(images) + self.second(images)


@pytest.mark.parametrize("reads", READERS)
def test_the_certificate_is_passed_by_who_reads_the_digit_and_by_nobody_else(pairs, reads):
    def passed(model):
        evidence = certify(model, pairs, Run(0), reads=reads, training="standard", eps=2.0)
        return {check.name: check.passed for check in evidence.checks}, evidence

    rival = "high" if reads == "low" else "low"
    checks, evidence = passed(Nearest(pairs, reads))
    assert all(checks.values())
    assert evidence.confirmed.all()
    assert evidence.facts["share of the logit's movement that is the own digit's"] > 0.9
    checks, evidence = passed(Nearest(pairs, rival))
    assert not checks["accuracy"]
    assert not checks["other digit ignored"]
    assert not checks["own digit followed"]
    assert not evidence.confirmed.any()
    checks, evidence = passed(Both(pairs))
    assert not checks["other digit ignored"]
    assert not checks["own digit followed"]
    assert evidence.confirmed.float().mean() < 0.2


def test_training_is_deterministic_and_a_loaded_model_predicts_the_same(rivals):
    torch.manual_seed(123)  # the global generator has no say
    stored = rivals["low"]
    again = stored.subject.train(Run(3))
    assert all(torch.equal(stored.weights[name], again.weights[name]) for name in again.weights)
    assert all(torch.equal(stored.public[name], again.public[name]) for name in again.public)
    model = stored.subject.load(stored)
    assert not model.training
    assert torch.equal(predict(model, stored.public["inputs"]), stored.public["predictions"])


def test_rivals_are_asked_the_same_question_about_two_models(rivals):
    low, high = (StackedDigitsTask(inputs=15, reader=reads).pose(rivals) for reads in READERS)
    for name in ("inputs", "targets", "background", "baseline", "seed"):
        assert torch.equal(torch.as_tensor(getattr(low, name)), torch.as_tensor(getattr(high, name))), name
    assert len(low.inputs) == 15
    for question in (low, high):
        assert torch.equal(predict(question.model, question.inputs), question.targets)
    assert not torch.equal(low.model(low.inputs), high.model(high.inputs))


def test_rival_truths_complete_each_other(rivals):
    low, high = (StackedDigitsTask(inputs=15, reader=reads).truth(rivals) for reads in READERS)
    images = StackedDigitsTask(inputs=15).pose(rivals).inputs
    assert torch.equal(low.masks[""], ~high.masks[""])
    assert torch.equal(low.zero_set, high.masks[""])
    assert torch.equal(low.figure, high.figure)
    assert torch.equal(low.masks["digit"] | high.masks["digit"], images >= INK)
    assert torch.equal(low.contrast.region, high.contrast.region)
    assert (low.contrast.used, high.contrast.used) == (True, False)
    assert low.contrast.pair == high.contrast.pair


def test_all_chosen_images_are_confirmed_for_both(rivals):
    task = StackedDigitsTask(inputs=1000)
    chosen = task._chosen(rivals)
    assert len(chosen) > 10
    assert all(rivals[reads].public["confirmed"][chosen].all() for reads in READERS)


def test_random_weights_are_asked_about_images_of_one_code():
    saved = {}
    for reads in READERS:
        subject = StackedDigits(reads=reads, training="none", tests=200)
        trained = subject.train(Run(0))
        saved[reads] = Saved(subject, 0, torch.device("cpu"), trained.weights, trained.public)
    chosen = StackedDigitsTask(inputs=1000)._chosen(saved)
    assert torch.equal(*(saved[reads].public["labels"][chosen] for reads in READERS))
    assert len(chosen) > 20


def test_whoever_has_learned_the_truth_of_one_rival_from_other_seeds_is_at_chance_on_the_pair(rivals):
    """The cheat: a map learned by ridge regression from images of other seeds to the block that `low` reads there."""
    features, truths = [], []
    for seed in (10, 11):
        data = read_digits("digits", "", generator_for(seed, "split"))
        other = draw_pairs(groups(data.train, data.train_labels), 2000, generator_for(seed, "cheat"))
        features.append(random_features(other.images()))
        truths.append(other.tops.double() * 2 - 1)
    x, y = torch.cat(features), torch.cat(truths)
    weights = torch.linalg.solve(x.T @ x + 10 * torch.eye(x.shape[1]).double(), x.T @ y)
    task = {reads: StackedDigitsTask(inputs=60, reader=reads) for reads in READERS}
    tops = random_features(task["low"].pose(rivals).inputs) @ weights > 0
    learned = AttributionExplanation(first_mask(tops).float())
    low, high = (task[reads].truth(rivals) for reads in READERS)
    assert figure_auroc(learned, low) > 0.9, "it has learned where the low digit is"
    for metric in (figure_auroc, figure_mass, figure_choice):
        assert metric(learned, low) + metric(learned, high) == pytest.approx(1)
    for metric in (truth_mass, rank_accuracy):
        assert metric(learned, low)[""] + metric(learned, high)[""] == pytest.approx(1)
    gamble = average_precision(learned, low)[""] + average_precision(learned, high)[""]
    assert gamble > 1.2, "average precision pays for a gamble, so that it is no measure for rivals"


def random_features(images: Tensor) -> Tensor:
    """A thousand random ReLU features and a constant."""
    flat = images.flatten(1).double()
    directions = torch.randn(flat.shape[1], 1000, generator=torch.Generator().manual_seed(0)).double()
    return torch.cat([(flat @ directions / 10).relu(), torch.ones(len(flat), 1).double()], 1)
