"""The oversplitting task: its plant, its certificate, and what halves and tiles of a feature score."""

from __future__ import annotations

import pytest
import torch

from benchmark.errors import TouchstoneError
from benchmark.families.dictionary import DictionaryExplanation, sparse
from benchmark.families.dictionary.metrics.coverage import coverage
from benchmark.subjects import Run, Saved, Trained
from tasks.dictionary.oversplitting import OversplittingTask
from tasks.models.spread_features.subject import SpreadFeatures

SMALL = {"rows": 1000, "held_out": 1000}


def saved(seed: int = 0, **dials: float) -> tuple[Saved, Trained]:
    subject = SpreadFeatures(**{**SMALL, **dials})  # type: ignore[arg-type]
    trained = subject.train(Run(seed))
    return Saved(subject, seed, torch.device("cpu"), trained.weights, trained.public), trained


@pytest.mark.parametrize("spread", [0.25, 0.5, 1.0])
def test_the_certificate_holds_at_every_spread(spread: float) -> None:
    checks = saved(1, spread=spread)[1].checks
    assert all(check.passed for check in checks), checks


def test_a_feature_in_loud_noise_fails_the_certificate() -> None:
    assert not all(check.passed for check in saved(noise=0.5)[1].checks)


def test_clouds_lie_beside_all_features_and_are_there_when_their_feature_is() -> None:
    instance, _ = saved(noise=0.0)
    planted = instance.subject.plant(0)
    frame = torch.cat([planted.directions, planted.clouds.flatten(0, 1)])
    torch.testing.assert_close(frame @ frame.T, torch.eye(48), atol=1e-5, rtol=0)
    test = instance.public["test"]
    torch.testing.assert_close(test @ planted.directions.T, planted.on["test"].float(), atol=1e-5, rtol=0)
    inside = torch.einsum("bd,nrd->bnr", test, planted.clouds).square().sum(2)
    assert float(inside[~planted.on["test"]].max()) < 1e-9
    assert float(inside[planted.on["test"]].mean()) == pytest.approx(0.25, rel=0.1)


@pytest.mark.parametrize("parts", [1, 2, 4])
def test_a_feature_in_equal_parts_is_covered_by_one_of_them(parts: int) -> None:
    """Precision 1 and recall 1/k make F1 2 / (k + 1)."""
    instance, _ = saved()
    task = OversplittingTask()
    question, truth = task.pose(instance), task.truth(instance)

    def tiles(on: torch.Tensor) -> torch.Tensor:
        part = torch.arange(len(on)) % parts
        return torch.cat([on.float() * (part == number)[:, None] for number in range(parts)], 1)

    codes = sparse(tiles(truth.validation)), sparse(tiles(truth.test))
    atoms = torch.zeros(16 * parts, question.test.shape[1])
    found = coverage(DictionaryExplanation(atoms, atoms[0], *codes[0], *codes[1]), truth)[""]
    assert found == pytest.approx(2 / (parts + 1), abs=0.08)


def test_truth_and_labels_belong_to_the_activations() -> None:
    instance, trained = saved(5)
    task = OversplittingTask()
    question, truth = task.pose(instance), task.truth(instance)
    assert truth.directions is not None
    assert torch.equal(question.train @ truth.directions.T > 0.5, question.labels)
    assert torch.equal(question.test @ truth.directions.T > 0.5, truth.test)
    assert set(trained.public) == {"train", "validation", "test"}
    model, on = instance.subject.load(instance), torch.eye(16).bool()
    torch.testing.assert_close(model(on, torch.zeros(16, 16, 2)), truth.directions)


@pytest.mark.parametrize("dials", [{"spread": -0.1}, {"rate": 0.0}, {"rate": 0.6}])
def test_dials_out_of_range_are_errors(dials: dict[str, float]) -> None:
    with pytest.raises(TouchstoneError, match="expected a spread of at least 0"):
        saved(**dials)
