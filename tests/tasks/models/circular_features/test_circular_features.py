"""Circles in superposition: the plant, its certificate, and that the truth of a seed is rebuilt."""

import pytest
import torch

from benchmark.errors import TouchstoneError
from benchmark.families.dictionary.metrics.subspace_recall import subspace_recall
from benchmark.families.dictionary.references import oracle
from benchmark.subjects import Run, Saved
from tasks.dictionary.circular_features import CircularFeaturesTask
from tasks.models.circular_features.subject import CircularFeatures
from tasks.models.circular_features.subspaces import block_pursuit, coherence, orthonormal, overlaps, spread, turned

SMALL = {"dimensions": 16, "active": 2.0, "rows": 4000, "held_out": 800}


def saved(seed=0, **dials):
    subject = CircularFeatures(**(SMALL | dials))
    trained = subject.train(Run(seed))
    return Saved(subject, seed, torch.device("cpu"), trained.weights, trained.public), trained


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_the_certificate_holds_on_the_dial(dimension) -> None:
    checks = CircularFeatures(dimension=dimension, rows=5000, held_out=1000).train(Run(1)).checks
    assert [check for check in checks if not check.passed] == []


def test_a_plant_that_cannot_be_found_fails_its_certificate() -> None:
    for dials, failing in (({"active": 7.0}, "cosine regained"), ({"noise": 1.0}, "least error ratio")):
        _, trained = saved(**dials)
        failed = [check.name for check in trained.checks if not check.passed]
        assert any(name.startswith(failing) for name in failed), (dials, failed)


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_points_are_even_on_their_spheres(dimension) -> None:
    planted = CircularFeatures(**(SMALL | {"rows": 20000, "dimension": dimension})).plant(0)
    where = planted.coordinates["train"]
    on = where.norm(dim=2) > 0
    assert float(on.float().mean()) == pytest.approx(2 / where.shape[1], rel=0.1)
    assert float(where.norm(dim=2)[on].mean()) == pytest.approx(1, abs=0.02)
    unit = where[on] / where[on].norm(dim=1, keepdim=True)
    torch.testing.assert_close(unit.T @ unit / len(unit), torch.eye(dimension) / dimension, rtol=0, atol=0.02)
    assert unit.mean(0).abs().max() < 0.03


def test_subspaces_are_spread_and_orthonormal() -> None:
    generator = torch.Generator().manual_seed(0)
    found = spread(12, 2, 12, generator)
    torch.testing.assert_close(found @ found.mT, torch.eye(2).expand(12, 2, 2), rtol=1e-4, atol=1e-4)
    assert coherence(found) < coherence(orthonormal(torch.randn(12, 2, 12, generator=generator)))


def test_subspaces_are_turned_by_one_angle() -> None:
    generator = torch.Generator().manual_seed(0)
    planes = spread(5, 2, 8, generator)
    cosines = overlaps(turned(planes, generator), planes)[torch.arange(5), torch.arange(5)]
    torch.testing.assert_close(cosines, torch.full((5, 2), 0.9), rtol=1e-4, atol=1e-4)


def test_pursuit_by_blocks_finds_what_is_on() -> None:
    planted = CircularFeatures(**SMALL).plant(0)
    where = planted.coordinates["validation"]
    found = block_pursuit(where.flatten(1) @ planted.subspaces.flatten(0, 1), planted.subspaces, active=2.0)
    assert float(((found.norm(dim=2) > 0.1) == (where.norm(dim=2) > 0)).float().mean()) > 0.97
    few = where[(where.norm(dim=2) > 0).sum(1) == 1]
    again = block_pursuit(few.flatten(1) @ planted.subspaces.flatten(0, 1), planted.subspaces, active=1.0)
    torch.testing.assert_close(again, few, rtol=1e-2, atol=1e-2)


def test_truth_and_labels_belong_to_the_activations() -> None:
    instance, trained = saved(seed=5, noise=0.0)
    task = CircularFeaturesTask()
    question, truth = task.pose(instance), task.truth(instance)
    torch.testing.assert_close(truth.test_codes @ truth.directions + truth.bias, question.test, rtol=1e-4, atol=1e-4)
    assert torch.equal(truth.test_codes > 0, truth.test)
    assert question.labels.shape[1] == truth.test.shape[1] == 64
    assert len(truth.subspaces) == 16
    assert subspace_recall(oracle(question, truth), truth) == 1
    assert set(trained.public) == {"train", "validation", "test"}
    assert not trained.weights
    assert instance.subject.load(instance)(torch.zeros(3, 16, 2)).shape == (3, 16)


@pytest.mark.parametrize(
    ("dials", "message"),
    [({"dimension": 5}, "expected from 1 to 4"), ({"active": 9.0}, "expected above 0 and at most 8")],
)
def test_dials_out_of_range_are_errors(dials, message) -> None:
    with pytest.raises(TouchstoneError, match=message):
        CircularFeatures(**(SMALL | dials)).plant(0)
