"""Whether metrics without a truth order maps as the truth does, where the answer is known."""

from __future__ import annotations

import pytest
import torch

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionExplanation, AttributionTruth
from benchmark.families.attribution.metrics.agreement import agreement
from benchmark.families.family import Labelled
from tests.benchmark.families.attribution.metrics.test_truth_free_metrics import WEIGHTS, WIDTH, linear

QUESTION = linear()
USED = (WEIGHTS != 0).expand(len(QUESTION.inputs), -1)
TRUTH = AttributionTruth(masks={"": USED})


def labelled(method: str, values: torch.Tensor) -> Labelled:
    return Labelled(method, "v", 0, AttributionExplanation(values), TRUTH, QUESTION)


def mixed(share: float) -> torch.Tensor:
    """Contributions with so much noise in them."""
    noise = torch.randn(len(QUESTION.inputs), WIDTH, generator=torch.Generator().manual_seed(1))
    return (1 - share) * QUESTION.inputs * WEIGHTS + share * 3 * noise


CROWD = [labelled(f"m{number}", mixed(number / 6)) for number in range(6)]
OTHERS = [labelled(name, mixed(1.0)) for name in ("random", "oracle", "inverted")]


def test_on_a_linear_model_infidelity_knows_who_is_right() -> None:
    found = agreement([*CROWD, *OTHERS], QUESTION, TRUTH)
    assert set(found) == {"", "insertion", "deletion", "infidelity", "completeness_gap"}
    assert found["infidelity"] > 0.8
    assert found[""] == pytest.approx(sum(value for name, value in found.items() if name) / 4)
    assert agreement(CROWD, QUESTION, TRUTH) == found, "references are no methods"


def test_a_truth_the_other_way_round_turns_the_order() -> None:
    turned = AttributionTruth(masks={"": ~USED})
    upright, reversed_ = agreement(CROWD, QUESTION, TRUTH), agreement(CROWD, QUESTION, turned)
    assert {name: -value for name, value in reversed_.items()} == pytest.approx(upright)


def test_within_a_figure_only_its_entries_are_ordered() -> None:
    figure = USED.clone()
    figure[:, :6] = True
    drowned = [labelled(f"m{n}", mixed(0.0) + 50 * ~figure * (n + 1)) for n in range(5)]
    drowned.append(labelled("noise", mixed(1.0)))
    inside = AttributionTruth(masks={"": USED}, figure=figure)
    assert agreement(drowned, QUESTION, TRUTH) != agreement(drowned, QUESTION, inside)


def test_too_few_methods_and_no_order_are_said() -> None:
    with pytest.raises(Unsupported, match="got 4 methods besides references, expected 5"):
        agreement([*CROWD[:4], *OTHERS], QUESTION, TRUTH)
    same = [labelled(f"m{number}", mixed(0.0)) for number in range(5)]
    with pytest.raises(Unsupported, match="tells the methods apart"):
        agreement(same, QUESTION, TRUTH)
