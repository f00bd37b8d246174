"""The tasks on forests: what they ask fits what is planted, the truth reaches the ceiling, cheats do not."""

import dataclasses

import pytest
import torch

from benchmark.families.dictionary import DictionaryExplanation, blinded, check, sparse
from benchmark.families.dictionary.metrics.absorption_free_f1 import absorption_free_f1
from benchmark.families.dictionary.metrics.absorption_rate import absorption_rate
from benchmark.families.dictionary.metrics.hedging_rate import hedging_rate
from benchmark.families.dictionary.metrics.splitting import splitting
from benchmark.families.dictionary.references import oracle
from benchmark.subjects import Run, Saved
from methods.dictionary.training_rows import training_rows
from tasks.dictionary.absorption import AbsorptionTask
from tasks.dictionary.hedging import HedgingTask
from tasks.models.feature_tree.subject import FeatureTree

SMALL = {"rows": 2000, "held_out": 3000}


def saved(**dials):
    subject = FeatureTree(**(SMALL | dials))
    trained = subject.train(Run(5))
    return Saved(subject, 5, torch.device("cpu"), trained.weights, trained.public)


@pytest.fixture(scope="module")
def forest():
    task, instance = AbsorptionTask(), saved()
    return task.pose(instance), task.truth(instance)


@pytest.fixture(scope="module")
def pairs():
    task, instance = HedgingTask(), {"pairs": saved(roots=16, children=1, under=0.5, active=3.6, nesting=0.5)}
    return task.pose(instance), task.truth(instance)


def explained(truth, atoms, encode):
    """A dictionary whose codes are made from the planted magnitudes."""
    parts = [sparse(encode(codes)) for codes in (truth.validation_codes, truth.test_codes)]
    return DictionaryExplanation(atoms, truth.bias, *parts[0], *parts[1])


@pytest.mark.parametrize("case", ["forest", "pairs"])
def test_truth_and_labels_belong_to_the_activations(case, request):
    question, truth = request.getfixturevalue(case)
    left = question.test - truth.test_codes @ truth.directions - truth.bias
    assert float(left.std()) == pytest.approx(0.05, rel=0.02)
    assert torch.equal(truth.test_codes > 0, truth.test)
    assert question.labels.shape == (2000, len(truth.parents))
    assert blinded(question).labels is None


def test_the_truth_is_the_ceiling_and_training_rows_leave_room(forest, pairs):
    question, truth = forest
    planted = oracle(question, truth)
    assert absorption_free_f1(planted, truth)[""] > 0.999
    assert absorption_rate(planted, truth) == {"": 0, "parents_found": 1, "found": 0}
    rows = check(training_rows(question), question)
    assert absorption_free_f1(rows, truth)[""] < 0.5
    question, truth = pairs
    assert hedging_rate(oracle(question, truth), truth, question)[""] < 1e-3
    assert hedging_rate(check(training_rows(question), question), truth, question)[""] > 0.6


def test_a_dictionary_that_absorbs_has_nothing_and_is_split(forest):
    _, truth = forest
    child = (truth.parents >= 0).nonzero().flatten()
    parent = truth.parents[child]
    atoms = truth.directions.clone()
    atoms[child] += truth.directions[parent]

    def encode(codes):
        made = codes.clone()
        made[:, :9] = codes[:, :9] * ~(codes[:, child] > 0).reshape(-1, 9, 3).any(2)
        return made

    absorbing = explained(truth, atoms, encode)
    assert absorption_free_f1(absorbing, truth) == {"": 0, "parent_under_child": 0}
    rate = absorption_rate(absorbing, truth)
    assert rate["parents_found"] == 1
    assert rate["found"] > 0.95, "0.4 of the parent's magnitude is less than what its child's code gives, but rarely"
    assert splitting(absorbing, truth)[""] == 0.75, "nine of 36 features need three atoms more"


def test_sums_and_atoms_that_always_fire_do_not_win(forest):
    _, truth = forest
    child = (truth.parents >= 0).nonzero().flatten()
    family = torch.zeros(36, 9)
    family[torch.arange(36), torch.where(truth.parents >= 0, truth.parents, torch.arange(36))] = 1
    sums = explained(truth, family.T @ truth.directions, lambda codes: codes @ family)
    assert absorption_free_f1(sums, truth) == {"": 0, "parent_under_child": 1}
    always = explained(truth, torch.ones(1, 48), lambda codes: torch.ones(len(codes), 1))
    assert absorption_free_f1(always, truth) == {"": 0, "parent_under_child": 1}
    beside = torch.cat([torch.ones(1, 48), truth.directions[child]])
    cheat = explained(truth, beside, lambda codes: torch.cat([torch.ones(len(codes), 1), codes[:, child]], 1))
    assert absorption_free_f1(cheat, truth)[""] == 0
    parents = explained(truth, truth.directions[:9], lambda codes: codes[:, :9])
    assert absorption_free_f1(parents, truth)[""] < 0.15


def test_hedging_counts_partners_alone_and_places_without_a_feature(pairs):
    question, truth = pairs
    atoms = truth.directions[:16] + 0.5 * truth.directions[16:]
    mixed = explained(truth, atoms, lambda codes: codes[:, :16])
    found = hedging_rate(mixed, truth, question)
    assert found["features_found"] == 1
    assert 0.3 < found[""] < 0.5**0.5
    others = truth.directions[:16] + 0.5 * truth.directions[16:].roll(1, 0)
    elsewhere = explained(truth, others, lambda codes: codes[:, :16])
    assert hedging_rate(elsewhere, truth, question)[""] == 0
    half = explained(truth, truth.directions[:8], lambda codes: codes[:, :8])
    assert hedging_rate(half, truth, question)[""] == pytest.approx(0.5, abs=1e-3)
    wider = dataclasses.replace(question, size=32)
    assert hedging_rate(half, truth, wider)[""] == pytest.approx(0.75, abs=1e-3)
