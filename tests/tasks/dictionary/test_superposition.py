"""The superposition task: its plant, its dials, its certificate, and that the truth of a seed is rebuilt."""

import pytest
import torch

from benchmark.errors import TouchstoneError
from benchmark.subjects import Run, Saved
from tasks.dictionary.superposition import SuperpositionTask
from tasks.models.superposition.directions import coherence
from tasks.models.superposition.identifiability import turned
from tasks.models.superposition.subject import Superposition

SMALL = {"features": 24, "dimensions": 12, "active": 2.0, "rows": 3000, "held_out": 1500}


def saved(seed=0, **dials):
    subject = Superposition(**(SMALL | dials))
    trained = subject.train(Run(seed))
    return Saved(subject, seed, torch.device("cpu"), trained.weights, trained.public), trained


@pytest.mark.parametrize(
    "dials",
    [
        {},
        {"law": "zipf"},
        {"magnitude": "exponential"},
        {"features": 128},
        {"active": 12.0},
        {"hierarchy": 1.0},
        {"correlation": 0.95},
        {"noise": 0.2},
    ],
)
def test_the_certificate_holds_on_every_dial(dials):
    checks = Superposition(**dials).train(Run(1)).checks
    assert all(check.passed for check in checks), [check for check in checks if not check.passed]


def test_a_plant_that_cannot_be_found_fails_its_certificate():
    _, loud = saved(noise=1.0)
    assert not all(check.passed for check in loud.checks)
    _, crowded = saved(dimensions=3)
    assert not all(check.passed for check in crowded.checks)


def test_learning_comes_back_to_the_truth_only_where_the_truth_is_sparse():
    for dials, sparse in (({}, True), ({"active": 10.0}, False)):
        _, trained = saved(**dials)
        regained = {check.name: check for check in trained.checks}["cosine_regained_by_learning_from_beside_the_truth"]
        assert regained.passed is sparse
        assert (regained.value > 0.99) is sparse


def test_directions_are_turned_by_one_angle():
    directions = Superposition(**SMALL).plant(0).directions
    aside = turned(directions, torch.Generator().manual_seed(0))
    torch.testing.assert_close(aside.norm(dim=1), torch.ones(24))
    torch.testing.assert_close((aside * directions).sum(1), torch.full((24,), 0.9))


def test_children_fire_as_often_as_ever_but_only_under_their_parents():
    rates = Superposition(**SMALL, hierarchy=1.0).rates()
    torch.testing.assert_close(rates[:6], 3 * rates[6:12])
    parent = torch.arange(6, 24) % 6
    for hierarchy in (0.5, 1.0):
        on = Superposition(**(SMALL | {"rows": 20000}), hierarchy=hierarchy).plant(3).codes["train"] > 0
        torch.testing.assert_close(on.float().mean(0), rates, rtol=0.15, atol=0.005)
        with_parent = (on[:, 6:] & on[:, parent]).sum() / on[:, 6:].sum()
        expected = hierarchy + (1 - hierarchy) * float(rates[0])
        assert float(with_parent) == pytest.approx(expected, abs=0.03)


def test_truth_and_labels_belong_to_the_activations():
    instance, _ = saved(seed=5, noise=0.0)
    task = SuperpositionTask()
    question, truth = task.pose(instance), task.truth(instance)
    torch.testing.assert_close(truth.test_codes @ truth.directions + truth.bias, question.test)
    assert torch.equal(truth.test_codes > 0, truth.test)
    on = question.labels.float()
    fit = torch.linalg.lstsq(torch.cat([on, torch.ones(len(on), 1)], 1), question.train).solution[:-1]
    assert float(torch.nn.functional.cosine_similarity(fit, truth.directions).min()) > 0.99


def test_seeds_and_splits_differ():
    one, two = saved(0)[0].public, saved(1)[0].public
    assert not torch.equal(one["train"], two["train"])
    assert not torch.equal(one["validation"], one["test"])
    assert torch.equal(one["train"], saved(0)[0].public["train"])


def test_no_truth_lies_where_methods_read():
    instance, trained = saved()
    assert set(trained.public) == {"train", "validation", "test"}
    assert not trained.weights
    assert instance.subject.load(instance)(torch.eye(24)).shape == (24, 12)


def test_dials_turn_what_they_say():
    plain = Superposition(**SMALL)
    on = {
        name: Superposition(**(SMALL | dial)).plant(0).codes["train"] > 0
        for name, dial in {"plain": {}, "zipf": {"law": "zipf"}, "correlated": {"correlation": 0.6}}.items()
    }
    for name, rates in (("plain", plain.rates()), ("zipf", Superposition(**(SMALL | {"law": "zipf"})).rates())):
        torch.testing.assert_close(on[name].float().mean(0), rates, rtol=0.2, atol=0.02)

    def together(which):
        return float(torch.corrcoef(on[which].float().T).fill_diagonal_(0).abs().mean())

    assert together("correlated") > 3 * together("plain")


def test_directions_are_spread():
    planted = Superposition(**SMALL).plant(0)
    apart = torch.nn.functional.normalize(torch.randn(24, 12), dim=1)
    assert coherence(planted.directions) < coherence(apart)
    torch.testing.assert_close(planted.directions.norm(dim=1), torch.ones(24))


@pytest.mark.parametrize(
    ("dials", "message"),
    [
        ({"active": 20.0}, "expected above 0 and at most 0.5"),
        ({"correlation": 1.0}, "expected at least 0 and below 1"),
        ({"hierarchy": 1.5}, "expected from 0 to 1"),
        ({"hierarchy": 1.0, "children": 24}, "expected at least 1 and fewer than the 24 features"),
    ],
)
def test_dials_out_of_range_are_errors(dials, message):
    with pytest.raises(TouchstoneError, match=message):
        Superposition(**(SMALL | dials)).plant(0)
