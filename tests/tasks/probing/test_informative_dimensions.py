"""The planted concepts: certificate, truth rebuilt from the seed, and what the references score."""

import dataclasses
import functools

import pytest
import torch

from benchmark.errors import TouchstoneError
from benchmark.families.probing import check
from benchmark.families.probing.metrics import test_accuracy as accuracy_module
from benchmark.families.probing.metrics.interchange_accuracy import interchange_accuracy
from benchmark.families.probing.references import majority, oracle, random
from benchmark.subjects import Run, Saved, generator_for
from methods.probing.difference_in_means import difference_in_means
from methods.probing.linear_probe import linear_probe
from tasks.models.informative_dimensions.plant import Plant
from tasks.models.informative_dimensions.subject import InformativeDimensions
from tasks.probing.informative_dimensions import InformativeDimensionsTask

CPU = torch.device("cpu")


VARIANTS = {
    "aligned": {},
    "confounded": {"basis": "rotated", "agreement": 0.7},
    "reads_first": {"basis": "rotated", "copies": 2},
    "reads_second": {"basis": "rotated", "copies": 2, "reads": "second"},
}


@functools.cache
def trained(variant="aligned", seed=0):
    setting = InformativeDimensions(**VARIANTS[variant])
    result = setting.train(Run(seed=seed))
    saved = Saved(subject=setting, seed=seed, device=CPU, weights=result.weights, public=result.public)
    return result, saved


@functools.cache
def posed(variant="aligned"):
    saved, task = trained(variant)[1], InformativeDimensionsTask()
    return task.pose(saved), task.truth(saved)


def exchanged(variant, explanation):
    question, truth = posed(variant)
    return interchange_accuracy(check(explanation, question), truth, question)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_certificate_holds(variant):
    result, _ = trained(variant)
    assert [check.name for check in result.checks if not check.passed] == []


def test_the_certificate_fails_a_network_that_was_hardly_trained():
    result = InformativeDimensions(steps=1).train(Run(seed=0))
    failed = {check.name for check in result.checks if not check.passed}
    assert {"accuracy_used", "used_dimensions_change_answer"} <= failed


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_oracle_is_the_optimum_and_an_orthogonal_exchange_is_not(variant):
    question, truth = posed(variant)
    best = oracle(question, truth)
    assert exchanged(variant, best)[""] > 0.98
    orthogonal = exchanged(variant, dataclasses.replace(best, reader=None))[""]
    assert orthogonal < exchanged(variant, best)[""], "it carries the source's noise along"
    assert accuracy_module.test_accuracy(best, truth)[""] == 1


def test_readers_are_generalised_least_squares():
    """One code in dimension 0, and a noise factor that dimensions 0 and 1 share: read 0 less what 1 tells of it."""
    axes = torch.eye(16)
    noise, strength = 0.5, 2.0
    plant = Plant(
        places=torch.stack([axes[0] + axes[5], axes[5] - axes[0], axes[2] - axes[5], -axes[2] - axes[5]])[None],
        reads=0,
        unused=axes[[6, 7, 8, 9]],
        bits=axes[10:12],
        types=torch.zeros(3, 16),
        factors=(axes[0] + axes[1])[None] * strength,
        noise=noise,
    )
    spans, readers = plant.subspaces(), plant.readers()
    component = spans[0].T @ readers[0]
    along = strength**2 / (strength**2 + noise**2)
    torch.testing.assert_close(component @ axes[0], axes[0], atol=1e-4, rtol=0)
    torch.testing.assert_close(component[0], axes[0] - along * axes[1], atol=1e-3, rtol=0)
    torch.testing.assert_close(
        readers @ spans.mT, torch.diag_embed((spans.norm(dim=2) > 0.5).float()), atol=1e-4, rtol=0
    )


def test_chance_and_no_edit_lie_together_and_far_below_the_truth():
    question, truth = posed()
    draws = [interchange_accuracy(random(question, generator_for(i, "r")), truth, question)[""] for i in range(10)]
    nothing = interchange_accuracy(majority(question), truth, question)[""]
    assert nothing == pytest.approx(1 / 3)
    assert sum(draws) / 10 < nothing


def test_rivals_have_the_same_activations_and_labels_to_the_last_bit():
    (first, one), (second, other) = posed("reads_first"), posed("reads_second")
    for name in ("train", "test", "labels"):
        assert torch.equal(getattr(first, name), getattr(second, name)), name
    assert (first.classes, first.ranks, first.seed) == (second.classes, second.ranks, second.seed)
    place = one.names.index("used")
    assert not torch.equal(one.labels[:, place], other.labels[:, place])
    assert (one.subspaces[place] @ other.subspaces[place].T).abs().max() < 1e-5


@pytest.mark.parametrize("name", ["linear_probe", "oracle", "both"])
def test_who_says_the_same_of_both_rivals_has_nothing(name):
    question, truth = posed("reads_first")
    best = oracle(question, truth)
    if name == "linear_probe":
        best = linear_probe([question])[0]
    if name == "both":  # half of one place and half of the other
        mixed = (truth.subspaces + posed("reads_second")[1].subspaces) / 2**0.5
        place = truth.names.index("used")
        best = dataclasses.replace(best, subspace=best.subspace.clone(), reader=None)
        best.subspace[place] = mixed[place]
    one, two = (
        exchanged(variant, dataclasses.replace(best, uses=None))[""] for variant in ("reads_first", "reads_second")
    )
    assert one + two == pytest.approx(0, abs=1e-6)
    assert (one > 0.98) == (name == "oracle"), (
        "the place that one of them reads: right there, and as wrong on the other"
    )


def test_labels_are_confounded_and_test_inputs_are_not():
    question, truth = posed("confounded")
    used, unused = truth.names.index("used"), truth.names.index("unused")
    together = (question.labels[:, used] == question.labels[:, unused]).float().mean()
    apart = (truth.labels[:, used] == truth.labels[:, unused]).float().mean()
    assert together == pytest.approx(0.7 + 0.3 / 4, abs=0.03)
    assert apart == pytest.approx(1 / 4, abs=0.05)
    means = exchanged("confounded", difference_in_means([question])[0])
    plain = interchange_accuracy(difference_in_means([posed()[0]])[0], posed()[1], posed()[0])
    assert means["used"] < plain["used"] - 0.2, "class means mix what goes along with the concept into its place"
    assert means["unused"] < plain["unused"] - 0.2


def test_controls_are_allowed_as_many_dimensions_as_what_they_copy():
    question, truth = posed()
    assert [question.ranks[truth.names.index(name)] for name in ("used", "unused", "xor")] == [3, 3, 2]
    assert all(question.ranks[place] == question.ranks[truth.control_of[place]] for place in truth.controls)


def test_axes_are_axes_and_rotations_are_not():
    for variant, most in (("aligned", 1.0), ("reads_first", 0.8)):
        _, saved = trained(variant)
        spans = saved.subject.plant(saved.generator).subspaces()
        projector = spans[0].T @ spans[0]
        assert float(projector.diagonal().max()) <= most + 1e-5
        if variant == "aligned":
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
    other = task.truth(dataclasses.replace(saved, seed=1))
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


@pytest.mark.parametrize("variant", ["aligned", "reads_first"])
def test_pairs_differ_in_every_concept(variant):
    _, truth = posed(variant)
    pairs = truth.interchange
    assert len(pairs.concept) == (600 if variant == "aligned" else 200)
    differ = truth.labels[pairs.base] != truth.labels[pairs.source]
    assert differ[:, truth.real].all()


def test_a_space_too_narrow_is_refused():
    with pytest.raises(TouchstoneError, match="at least 24"):
        InformativeDimensions(width=16).train(Run(seed=0))
    with pytest.raises(TouchstoneError, match="expected copies=2"):
        InformativeDimensions(reads="second").train(Run(seed=0))
