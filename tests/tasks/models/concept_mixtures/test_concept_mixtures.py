"""Mixtures: parts of a hull sum to one, those of a cone do on average, and evenness takes pure rows away."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.errors import TouchstoneError
from benchmark.subjects import Run, Saved
from tasks.dictionary.mixtures import MixturesTask
from tasks.models.concept_mixtures.subject import ConceptMixtures

SMALL = {"rows": 2000, "held_out": 500}


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.5, 30), st.integers(1, 6))
def test_parts_of_a_hull_sum_to_one(seed: int, evenness: float, active: int) -> None:
    codes = ConceptMixtures(evenness=evenness, active=active, **SMALL).plant(seed).codes["test"]
    assert (codes >= 0).all()
    assert ((codes > 0).sum(1) <= active).all()
    torch.testing.assert_close(codes.sum(1), torch.ones(500))


def test_amounts_of_a_cone_sum_to_one_on_average_alone() -> None:
    sums = ConceptMixtures(mixing="cone", **SMALL).plant(0).codes["train"].sum(1)
    assert float(sums.mean()) == pytest.approx(1, abs=0.05)
    # of 4 gamma variates of shape 3, in units of their mean: variance 1 / 12
    assert float(sums.var()) == pytest.approx(1 / 12, abs=0.02)


def test_even_mixtures_have_no_pure_rows() -> None:
    purest = [float(ConceptMixtures(evenness=e, **SMALL).plant(0).codes["train"].max()) for e in (1.0, 5.0, 50.0)]
    assert purest == sorted(purest, reverse=True)
    assert purest[2] < 0.4 < 0.9 < purest[0]


def test_concepts_lie_around_the_origin_and_the_truth_is_rebuilt() -> None:
    subject = ConceptMixtures(noise=1e-6, **SMALL)
    trained = subject.train(Run(3))
    assert all(check.passed for check in trained.checks)
    saved = Saved(subject, 3, torch.device("cpu"), trained.weights, trained.public)
    question, truth = MixturesTask().pose(saved), MixturesTask().truth(saved)
    assert (question.size, question.sparsity) == (60, 4)
    torch.testing.assert_close(truth.test_codes @ truth.directions, question.test, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(truth.directions.norm(dim=1), torch.ones(40))
    assert float(truth.directions.mean(0).norm()) < 0.01


def test_amounts_do_not_touch_the_global_generator() -> None:
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    ConceptMixtures(**SMALL).plant(1)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("wrong", [{"active": 0}, {"active": 40}, {"evenness": 0.0}])
def test_impossible_mixtures_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(TouchstoneError, match=f"{next(iter(wrong))}: got"):
        ConceptMixtures(**wrong)  # type: ignore[arg-type]
