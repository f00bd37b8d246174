"""ROAR and KAR at their limits: the truth, noise, and masks that tell the label by their shape."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionExplanation, AttributionQuestion, AttributionTruth
from benchmark.families.attribution.metrics._retraining import FRACTIONS, ranked, retrained
from benchmark.families.attribution.metrics.diffroar import diffroar
from benchmark.families.attribution.metrics.kar import kar
from benchmark.families.attribution.metrics.roar import roar
from benchmark.families.attribution.metrics.roar_vs_random import _blurred, roar_vs_random
from benchmark.families.family import Labelled
from benchmark.learning.retraining import Recipe

COUNT, WIDTH = 240, 32


def blocks() -> tuple[AttributionQuestion, torch.Tensor]:
    """Inputs of two halves: one holds plus or minus a pattern, which is the label; the other, noise."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(2, (COUNT,), generator=generator)
    upper = torch.randint(2, (COUNT,), generator=generator).bool()
    pattern = torch.randn(WIDTH // 2, generator=generator).sign()
    inputs = 1.3 * torch.randn(COUNT, WIDTH, generator=generator)
    half = torch.arange(WIDTH) < WIDTH // 2
    block = half == upper[:, None]
    inputs[block] += ((2 * labels - 1)[:, None] * pattern).flatten()
    return AttributionQuestion(nn.Identity(), inputs, labels, inputs, torch.zeros(WIDTH), 0), block


POSED, BLOCK = blocks()
NOISE = torch.rand(COUNT, WIDTH, generator=torch.Generator().manual_seed(9))


@pytest.fixture(scope="module")
def found() -> dict[str, dict[str, dict[str, float]]]:
    """Sub-scores by metric and explanation."""
    parity = (torch.arange(WIDTH) % 2)[None] == POSED.targets[:, None]
    maps = {
        "oracle": BLOCK + 0.1 * NOISE,
        "inverted": ~BLOCK + 0.1 * NOISE,
        "random": NOISE,
        "barcode": parity + 0.1 * NOISE,
        "constant": torch.ones(COUNT, WIDTH),
    }
    truth = AttributionTruth({"": BLOCK}, ~BLOCK)
    group = [Labelled(n, "v", 0, AttributionExplanation(m.float()), truth, POSED) for n, m in maps.items()]
    return {m.__name__: dict(zip(maps, m(group, POSED), strict=True)) for m in (roar, kar, diffroar, roar_vs_random)}


def test_the_truth_is_worth_more_than_noise_and_noise_more_than_its_complement(found) -> None:
    for scores in found.values():
        value = {name: sub[""] for name, sub in scores.items()}
        assert value["oracle"] > value["random"] + 0.05
        assert value["random"] > value["inverted"] + 0.05


def test_a_mask_that_spells_the_label_reaches_full_accuracy_and_gains_nothing(found) -> None:
    for metric in ("roar", "kar"):
        spelled = found[metric]["barcode"]
        assert spelled["mask_control"] > 0.9
        assert spelled["accuracy"] > 0.85
        assert spelled[""] < 0.06
        assert spelled[""] < found[metric]["random"][""]


def test_shapes_that_do_not_depend_on_the_label_tell_nothing(found) -> None:
    for metric in ("roar", "kar"):
        for name in ("oracle", "random", "constant"):
            assert found[metric][name]["mask_control"] < 0.63


def test_a_constant_map_replaces_random_entries(found) -> None:
    for scores in found.values():
        assert scores["constant"][""] == pytest.approx(scores["random"][""], abs=0.12)


def test_ties_fall_in_one_order_that_is_no_order_of_places() -> None:
    places = ranked(torch.ones(50, 20))
    assert places.sort(1).values.eq(torch.arange(20)).all()
    assert places.float().mean(0).std() < 2, "no place is preferred"
    assert torch.equal(places, ranked(torch.zeros(50, 20)))
    assert ranked(torch.tensor([[0.0, 3.0, 1.0]])).tolist() == [[2, 0, 1]]


def test_an_explanation_is_worth_the_same_in_any_company_and_any_chunk() -> None:
    maps = [BLOCK.float(), NOISE, (~BLOCK).float()]
    group = [Labelled(str(n), "v", 0, AttributionExplanation(m), None, POSED) for n, m in enumerate(maps)]
    quick = Recipe(hidden=8, steps=20)
    together = retrained(group, POSED, keep=True, recipe=quick)
    alone = retrained(group[1:2], POSED, keep=True, recipe=replace(quick, memory_mb=0))
    assert together.content.shape == (3, len(FRACTIONS))
    assert torch.equal(together.content[1:2], alone.content)
    assert torch.equal(together.mask[1:2], alone.mask)


def test_what_cannot_be_retrained_is_unsupported() -> None:
    few = replace(POSED, inputs=POSED.inputs[:10], targets=POSED.targets[:10])
    with pytest.raises(Unsupported, match="got 10 inputs, expected at least 40"):
        roar([], few)
    with pytest.raises(Unsupported, match="targets None"):
        kar([], replace(POSED, targets=None))
    with pytest.raises(Unsupported, match="more inputs are needed"):
        roar([], replace(POSED, inputs=NOISE, background=NOISE))


def test_the_ends_of_a_ranking_differ_as_far_as_it_says_something(found) -> None:
    scores = found["diffroar"]
    assert scores["oracle"][""] == pytest.approx(scores["oracle"]["top"] - scores["oracle"]["bottom"])
    assert abs(scores["random"][""]) < 0.06
    assert scores["oracle"][""] > 0.15
    assert scores["inverted"][""] < -0.15


def test_a_random_ranking_is_no_better_than_other_random_rankings(found) -> None:
    scores = found["roar_vs_random"]
    assert abs(scores["random"][""]) < 0.05
    assert abs(scores["constant"][""]) < 0.05
    assert scores["oracle"][""] > 0.05
    assert set(scores["oracle"]) == {""}, "what is no image has no neighbours to blur with"


def test_a_blur_moves_mass_to_neighbours_and_keeps_an_even_map_even() -> None:
    spot = torch.zeros(1, 2, 5, 5)
    spot[0, 0, 2, 2] = -1
    blurred = _blurred(AttributionExplanation(spot)).attributions
    assert float(blurred.sum()) == pytest.approx(1)
    assert float(blurred[0, 0, 2, 2]) == pytest.approx(1 / (1 + 2 * 2.718281828**-0.5) ** 2)
    assert not blurred[0, 1].any()
