"""The planted concepts: certificate, truth rebuilt from the seed, and what the references score."""

import functools

import pytest
import torch

from benchmark.errors import TouchstoneError
from benchmark.families.probing.metrics import test_accuracy as accuracy_module
from benchmark.families.probing.metrics.interchange_accuracy import interchange_accuracy
from benchmark.families.probing.references import oracle, random
from benchmark.subjects import Run, Saved, generator_for
from methods.probing.linear_probe import linear_probe
from tasks.models.informative_dimensions.subject import InformativeDimensions
from tasks.probing.informative_dimensions import InformativeDimensionsTask

CPU = torch.device("cpu")


@functools.cache
def trained(basis="aligned", training="standard", seed=0):
    setting = InformativeDimensions(basis=basis, training=training)
    result = setting.train(Run(seed=seed))
    saved = Saved(subject=setting, seed=seed, device=CPU, weights=result.weights, public=result.public)
    return result, saved


@pytest.mark.parametrize("basis", ["aligned", "rotated"])
def test_the_certificate_holds(basis):
    result, _ = trained(basis)
    assert [check.name for check in result.checks if not check.passed] == []


def test_an_untrained_network_does_not_use_the_concepts():
    result, saved = trained(training="none")
    assert all(check.passed for check in result.checks)
    task = InformativeDimensionsTask()
    question, truth = task.pose(saved), task.truth(saved)
    best = oracle(question, truth)
    assert accuracy_module.test_accuracy(linear_probe([question])[0], truth)["unused"] > 0.9, "yet it is decodable"
    assert interchange_accuracy(best, truth, question)[""] < 0.5


def test_axes_are_axes_and_rotations_are_not():
    for basis, most in (("aligned", 1.0), ("rotated", 0.8)):
        _, saved = trained(basis)
        spans = saved.subject.plant(saved.generator).subspaces()
        projector = spans[0].T @ spans[0]
        assert float(projector.diagonal().max()) <= most + 1e-5
        if basis == "aligned":
            assert sorted(projector.diagonal().round(decimals=4).tolist())[-3:] == [1.0, 1.0, 1.0]
        concepts = [rows[rows.norm(dim=1) > 0.5] for rows in spans]
        assert [len(rows) for rows in concepts] == [3, 3, 2]
        together = torch.cat(concepts)
        torch.testing.assert_close(together @ together.T, torch.eye(8), atol=1e-4, rtol=1e-4)


def test_training_and_truth_depend_on_the_seed_alone():
    first, again = (InformativeDimensions(steps=20).train(Run(seed=0)) for _ in range(2))
    _, saved = trained()
    assert all(torch.equal(first.weights[name], again.weights[name]) for name in first.weights)
    assert all(torch.equal(first.public[name], again.public[name]) for name in first.public)
    task = InformativeDimensionsTask()
    one, two = task.truth(saved), task.truth(saved)
    assert torch.equal(one.labels, two.labels)
    assert one.names == two.names
    other = task.truth(trained(seed=1)[1])
    assert not torch.equal(one.labels, other.labels)


def test_methods_see_train_labels_and_no_test_labels():
    result, saved = trained()
    assert set(result.public) == {"train", "test", "labels"}
    assert result.public["labels"].shape == (2000, 3)
    question, truth = InformativeDimensionsTask().pose(saved), InformativeDimensionsTask().truth(saved)
    for name, concept in (("used", 0), ("unused", 1), ("xor", 2)):
        place = truth.names.index(name)
        assert torch.equal(question.labels[:, place], result.public["labels"][:, concept])
    assert len(truth.real) == len(truth.controls) == 3
    assert sorted(truth.control_of) == sorted([-1, -1, -1, *truth.real])


def test_the_oracle_is_at_the_ceiling_and_chance_is_not():
    _, saved = trained()
    task = InformativeDimensionsTask()
    question, truth = task.pose(saved), task.truth(saved)
    best, chance = oracle(question, truth), random(question, generator_for(0, "r"))
    assert accuracy_module.test_accuracy(best, truth)[""] == 1
    assert interchange_accuracy(best, truth, question)[""] > 0.9
    assert interchange_accuracy(chance, truth, question)[""] < 0.1


def test_pairs_differ_in_every_concept():
    _, saved = trained()
    truth = InformativeDimensionsTask().truth(saved)
    pairs = truth.interchange
    assert len(pairs.concept) == 400
    differ = truth.labels[pairs.base] != truth.labels[pairs.source]
    assert differ[:, truth.real].all()


def test_a_space_too_narrow_is_refused():
    with pytest.raises(TouchstoneError, match="at least 24"):
        InformativeDimensions(width=16).train(Run(seed=0))
