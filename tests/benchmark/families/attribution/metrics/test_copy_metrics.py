"""Metrics of copies: closed forms, SciPy, and maps that say nothing."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr, spearmanr
from torch import nn

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionExplanation, AttributionQuestion, AttributionTruth, references
from benchmark.families.attribution.copies import Copies
from benchmark.families.attribution.metrics.equivariance import equivariance
from benchmark.families.attribution.metrics.invariance import invariance
from benchmark.families.attribution.metrics.sensitivity_max import sensitivity_max
from benchmark.families.attribution.metrics.worst_case_similarity import LIMIT, worst_case_similarity
from benchmark.families.attribution.near import near_copies, with_copies

ORIGINALS, SIZE = 40, 12
seeds = st.integers(0, 2**31)


class Weighed(nn.Module):
    """The weighed sum of the entries' squares."""

    def __init__(self, weights: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("weights", weights)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x.square() * self.weights).sum(1)


def rotated(moved: int = 2, near: int = 2) -> Copies:
    shifts = [torch.arange(SIZE).roll(3 * number + 1) for number in range(moved)]
    return Copies.laid_out(torch.stack(shifts)[None].expand(ORIGINALS, -1, -1), near)


def posed(copies: Copies, weights: torch.Tensor, away: float = 0.0) -> tuple[AttributionQuestion, AttributionTruth]:
    """Inputs with copies; the near ones are `away` in every entry."""
    generator = torch.Generator().manual_seed(0)
    inputs = copies.carried(torch.randn(ORIGINALS, SIZE, generator=generator)) + away * copies.near[:, None]
    mask = torch.rand(ORIGINALS, SIZE, generator=generator) < 0.3
    mask[:, 0], mask[:, 1] = True, False
    question = AttributionQuestion(Weighed(weights), inputs, None, inputs, torch.zeros(SIZE), 0)
    return question, with_copies(AttributionTruth({"": mask}), copies)


EVEN = torch.ones(SIZE)
FIRST = torch.eye(SIZE)[0]


def of_maps(values: torch.Tensor) -> AttributionExplanation:
    return AttributionExplanation(values.float().contiguous())


def test_the_planted_truth_moves_along_and_stays() -> None:
    question, truth = posed(rotated(), EVEN)
    oracle = references.oracle(truth)
    found = equivariance(oracle, truth, question)
    assert [found[name] for name in ("", "cosine", "rank", "model")] == pytest.approx([1, 1, 1, 1])
    assert sensitivity_max(oracle, truth) == 0
    assert worst_case_similarity(oracle, truth, question) == pytest.approx({"": 1, "rank": 1})
    assert invariance(oracle, truth, question)[""] < 0.5


def test_a_fixed_map_is_invariant_and_not_equivariant() -> None:
    question, truth = posed(rotated(), EVEN)
    fixed = of_maps(torch.arange(SIZE).expand(len(question.inputs), -1))
    assert invariance(fixed, truth, question)[""] == pytest.approx(1)
    assert equivariance(fixed, truth, question)[""] < 0.5


@settings(max_examples=15, deadline=None)
@given(seed=seeds)
def test_likeness_is_that_of_scipy(seed: int) -> None:
    copies = rotated(1, 1)
    question, truth = posed(copies, EVEN)
    values = torch.randn(len(copies.of), SIZE, generator=torch.Generator().manual_seed(seed)).mul(3).round() / 3
    found = of_maps(values)
    original, moved, near = values.double().numpy().reshape(3, ORIGINALS, SIZE)
    back = copies.carried(values[:ORIGINALS])[ORIGINALS : 2 * ORIGINALS].double().numpy()
    got = equivariance(found, truth, question)
    assert got[""] == pytest.approx(sum(pearsonr(*pair)[0] for pair in zip(moved, back, strict=True)) / ORIGINALS)
    ranks = [spearmanr(abs(one), abs(two))[0] for one, two in zip(moved, back, strict=True)]
    assert got["rank"] == pytest.approx(sum(ranks) / ORIGINALS)
    stays = [pearsonr(*pair)[0] for pair in zip(near, original, strict=True)]
    assert worst_case_similarity(found, truth, question)[""] == pytest.approx(sum(stays) / ORIGINALS)


@pytest.mark.parametrize("value", [0.0, 2.5])
def test_a_map_that_is_the_same_everywhere_scores_what_chance_does(value: float) -> None:
    question, truth = posed(rotated(), EVEN)
    empty = of_maps(torch.full(question.inputs.shape, value))
    draws = [references.random(question, truth, torch.Generator().manual_seed(seed)) for seed in range(40)]
    for measure in (
        lambda e: equivariance(e, truth, question)[""],
        lambda e: sensitivity_max(e, truth),
        lambda e: worst_case_similarity(e, truth, question)[""],
    ):
        chance = torch.tensor([measure(draw) for draw in draws])
        assert abs(measure(empty) - float(chance.mean())) < 4 * float(chance.std())


def test_chance_is_nothing_in_the_mean_and_more_for_magnitudes_under_the_published_cosine() -> None:
    question, truth = posed(rotated(), EVEN)
    values = torch.randn(question.inputs.shape, generator=torch.Generator().manual_seed(2))
    found = equivariance(of_maps(values.abs()), truth, question)
    assert abs(found[""]) < 5 / math.sqrt(2 * ORIGINALS * SIZE)
    assert found["cosine"] == pytest.approx(2 / math.pi, abs=0.05)


def test_the_models_own_share_is_one_for_a_symmetric_model_and_nothing_for_one_that_reads_a_single_entry() -> None:
    copies = Copies.laid_out(torch.arange(SIZE).roll(1).expand(2000, 1, -1))
    for weights, share, error in ((EVEN, 1.0, 1e-6), (FIRST, 0.0, 0.2)):
        inputs = copies.carried(torch.randn(2000, SIZE, generator=torch.Generator().manual_seed(0)))
        question = AttributionQuestion(Weighed(weights), inputs, None, inputs, torch.zeros(SIZE), 0)
        mask = torch.zeros(2000, SIZE, dtype=torch.bool)
        mask[:, 0] = True
        truth = with_copies(AttributionTruth({"": mask}), copies)
        maps = of_maps(inputs)
        assert equivariance(maps, truth, question)["model"] == pytest.approx(share, abs=error)
        assert invariance(maps, truth, question)["model"] == pytest.approx(share, abs=error)


def test_sensitivity_is_the_greatest_relative_change() -> None:
    copies = near_copies(ORIGINALS, SIZE, 2)
    _, truth = posed(copies, EVEN)
    values = torch.ones(3, ORIGINALS, SIZE)
    values[:, :, 0] = torch.tensor([0.0, 3.0, -4.0])[:, None]
    expected = 4 / math.sqrt(SIZE - 1)
    assert sensitivity_max(of_maps(values.flatten(0, 1)), truth) == pytest.approx(expected)


def test_only_copies_of_which_the_model_says_the_same_count() -> None:
    copies = near_copies(ORIGINALS, SIZE, 2)
    question, truth = posed(copies, FIRST)
    values = question.inputs.clone()
    turned, told = slice(2 * ORIGINALS, None), question.inputs.clone()
    values[turned] = -values[turned]
    assert worst_case_similarity(of_maps(values), truth, question)[""] == pytest.approx(-1)
    spread = float(question.inputs[:, 0].square()[:ORIGINALS].std(correction=0))
    told[turned, 0] = (told[turned, 0].square() + 2 * LIMIT * spread).sqrt()
    telling = AttributionQuestion(question.model, told, None, told, question.baseline, 0)
    assert worst_case_similarity(of_maps(values), truth, telling)[""] == pytest.approx(1)
    told[ORIGINALS:, 0] += 100
    with pytest.raises(Unsupported, match="tells every near copy"):
        worst_case_similarity(of_maps(values), truth, telling)


def test_without_copies_of_a_kind_there_is_no_value() -> None:
    question, truth = posed(rotated(moved=1, near=0), EVEN)
    some = of_maps(question.inputs)
    for measure in (lambda: sensitivity_max(some, truth), lambda: worst_case_similarity(some, truth, question)):
        with pytest.raises(Unsupported, match="no input is a hardly changed copy"):
            measure()
    question, truth = posed(near_copies(ORIGINALS, SIZE, 1), EVEN)
    some = of_maps(question.inputs)
    for metric in (equivariance, invariance):
        with pytest.raises(Unsupported, match="no input is a moved copy"):
            metric(some, truth, question)


def test_a_number_a_pixel_moves_with_its_channels() -> None:
    pixels = torch.arange(4).roll(1)
    moves = torch.cat([pixels, pixels + 4])
    copies = Copies.laid_out(moves.expand(3, 1, -1))
    inputs = copies.carried(torch.randn(3, 2, 2, 2))
    mask = torch.zeros(3, 1, 2, 2, dtype=torch.bool)
    mask[:, :, 0, 0] = True
    truth = with_copies(AttributionTruth({"": mask}), copies)
    model = nn.Sequential(nn.Flatten(), Weighed(torch.ones(8)))
    question = AttributionQuestion(model, inputs, None, inputs, torch.zeros(2, 2, 2), 0, per_pixel=True)
    told = AttributionExplanation(inputs.square().sum(1, keepdim=True), per_pixel=True)
    assert equivariance(told, truth, question)[""] == pytest.approx(1)
