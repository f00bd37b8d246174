"""The pair of models: what each has of every feature, and that the certificate measures it."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmark.errors import TouchstoneError
from benchmark.subjects import Run
from tasks.models.model_pair.subject import ModelPair

SMALL = {"shared": 10, "weakened": 6, "exclusive": 6, "dimensions": 16, "active": 1.5, "rows": 3000, "held_out": 1500}


def test_the_certificate_holds_on_the_dial() -> None:
    for weakening in (1.0, 0.5, 0.3):
        checks = ModelPair(weakening=weakening).train(Run(1)).checks
        assert all(check.passed for check in checks), [check for check in checks if not check.passed]


def test_a_feature_too_weak_to_matter_fails_the_certificate() -> None:
    checks = {check.name: check for check in ModelPair(**SMALL, weakening=0.02).train(Run(0)).checks}
    assert not checks["least_error_ratio_without_a_feature_in_a_model_that_has_it"].passed


@given(st.integers(1, 9), st.integers(0, 9), st.integers(0, 9), st.floats(0.01, 0.99))
def test_strengths_are_those_of_three_kinds(shared: int, weakened: int, exclusive: int, weakening: float) -> None:
    strengths = ModelPair(shared=shared, weakened=weakened, exclusive=exclusive, weakening=weakening).strengths()
    assert strengths.shape == (shared + weakened + exclusive, 2)
    assert torch.equal(strengths.amax(1), torch.ones(len(strengths)))
    least = strengths.amin(1)
    assert int((least == 1).sum()) == shared
    assert int((least == torch.tensor(weakening)).sum()) == weakened
    assert int((least == 0).sum()) == exclusive
    sides = strengths.argmin(1)[shared:]
    assert abs(int((sides == 0).sum()) - int((sides == 1).sum())) <= 2, "both models are equally loud"


def test_an_exclusive_feature_leaves_no_trace_in_the_other_model() -> None:
    subject = ModelPair(**SMALL, weakening=0.25)
    planted = subject.plant(3)
    first, second = planted.written.split(subject.dimensions, dim=1)
    torch.testing.assert_close(first.norm(dim=1), planted.strengths[:, 0])
    torch.testing.assert_close(second.norm(dim=1), planted.strengths[:, 1])
    checks = {check.name: check.value for check in subject.train(Run(3)).checks}
    assert checks["greatest_error_ratio_without_a_feature_in_a_model_that_lacks_it"] == pytest.approx(1)


def test_what_cannot_be_planted_is_an_error() -> None:
    with pytest.raises(TouchstoneError, match="expected above 0 and at most 1"):
        ModelPair(weakening=0.0).plant(0)
    with pytest.raises(TouchstoneError, match="at most half of the 22 features"):
        ModelPair(**(SMALL | {"active": 12.0})).plant(0)
