"""The occlusion task: its plant, its certificate, and what its scores say of whoever has one attribute alone."""

from __future__ import annotations

import pytest
import torch

from benchmark.errors import TouchstoneError
from benchmark.families.dictionary import DictionaryExplanation, sparse
from benchmark.families.dictionary.metrics.edit_success import edit_success
from benchmark.families.dictionary.references import oracle
from benchmark.subjects import Run, Saved, Trained
from tasks.dictionary.occlusion import OcclusionTask
from tasks.models.attributes.subject import Attributes

SMALL = {"rows": 1000, "held_out": 600}


def saved(seed: int = 0, **dials: float) -> tuple[Saved, Trained]:
    subject = Attributes(**{**SMALL, **dials})  # type: ignore[arg-type]
    trained = subject.train(Run(seed))
    return Saved(subject, seed, torch.device("cpu"), trained.weights, trained.public), trained


@pytest.mark.parametrize("ratio", [1.0, 2.0, 4.0, 8.0])
def test_the_certificate_holds_at_every_ratio_and_the_truth_edits_both(ratio: float) -> None:
    instance, trained = saved(1, ratio=ratio)
    assert all(check.passed for check in trained.checks), trained.checks
    task = OcclusionTask()
    question, truth = task.pose(instance), task.truth(instance)
    assert edit_success(oracle(question, truth), truth, question)[""] == 1


def test_an_attribute_that_drowns_in_noise_fails_the_certificate() -> None:
    assert not all(check.passed for check in saved(ratio=8.0, noise=0.1)[1].checks)


def test_norms_have_the_planted_ratio_and_values_are_independent() -> None:
    codes = Attributes(ratio=4.0).plant(3).codes["train"]
    larger, smaller = codes[:, :8], codes[:, 8:]
    assert larger.sum(1).eq(1).all()
    assert smaller.sum(1).eq(0.25).all()
    together = (larger > 0).float().T @ (smaller > 0).float() / len(codes)
    torch.testing.assert_close(together, torch.full((8, 8), 1 / 64), atol=0.006, rtol=0)


def test_whoever_has_the_larger_attribute_alone_has_half() -> None:
    instance, _ = saved(ratio=8.0)
    task = OcclusionTask()
    question, truth = task.pose(instance), task.truth(instance)
    assert truth.directions is not None
    atoms, codes = truth.directions[:8], [truth.validation[:, :8].float(), truth.test[:, :8].float()]
    half = DictionaryExplanation(atoms, question.train.mean(0), *sparse(codes[0]), *sparse(codes[1]))
    assert edit_success(half, truth, question) == {"": 0.5, "larger": 1.0, "smaller": 0.0}


def test_truth_and_labels_belong_to_the_activations() -> None:
    instance, trained = saved(5, noise=0.0)
    task = OcclusionTask()
    question, truth = task.pose(instance), task.truth(instance)
    assert truth.directions is not None
    assert truth.test_codes is not None
    torch.testing.assert_close(truth.test_codes @ truth.directions, question.test)
    assert question.labels is not None
    read = question.train @ truth.directions.T
    assert torch.equal(read > 0.1, question.labels)
    assert set(trained.public) == {"train", "validation", "test"}
    assert instance.subject.load(instance)(torch.eye(16)).shape == (16, 32)


@pytest.mark.parametrize("dials", [{"ratio": 0.5}, {"values": 1}, {"values": 20}])
def test_dials_out_of_range_are_errors(dials: dict[str, float]) -> None:
    with pytest.raises(TouchstoneError, match="a dimension for each value"):
        saved(**dials)
