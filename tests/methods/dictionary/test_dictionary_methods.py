"""Methods of the dictionary family on a small plant that most of them find."""

import dataclasses

import pytest
import torch

from benchmark.errors import Unsupported
from benchmark.families.dictionary import DictionaryQuestion, DictionaryTruth, blinded, check
from benchmark.families.dictionary.metrics.explained_variance import explained_variance
from benchmark.families.dictionary.metrics.firing_f1 import firing_f1
from benchmark.families.dictionary.metrics.l0 import l0
from benchmark.families.dictionary.metrics.mcc import mcc
from benchmark.learning import steering
from benchmark.subjects import Run
from methods.dictionary.archetypal import archetypal
from methods.dictionary.batch_topk import batch_topk
from methods.dictionary.dictionary_learning_sparse_coding import dictionary_learning_sparse_coding
from methods.dictionary.frozen_decoder import frozen_decoder
from methods.dictionary.gated import gated
from methods.dictionary.gated_p_anneal import gated_p_anneal
from methods.dictionary.ica import ica
from methods.dictionary.icfl import icfl
from methods.dictionary.jump_relu import jump_relu
from methods.dictionary.kmeans import kmeans
from methods.dictionary.matching_pursuit import matching_pursuit
from methods.dictionary.matryoshka_batch_topk import matryoshka_batch_topk
from methods.dictionary.nmf import nmf
from methods.dictionary.p_anneal import p_anneal
from methods.dictionary.pca import pca
from methods.dictionary.random_directions import random_directions
from methods.dictionary.raw_neurons import raw_neurons
from methods.dictionary.relaxed_archetypal import relaxed_archetypal
from methods.dictionary.relu_l1 import relu_l1
from methods.dictionary.supervised import supervised
from methods.dictionary.topk import topk
from methods.dictionary.training_rows import training_rows
from tasks.models.superposition.subject import Superposition

LEARNERS = (
    *(relu_l1, topk, p_anneal, gated, gated_p_anneal, batch_topk, matryoshka_batch_topk, jump_relu),
    *(archetypal, relaxed_archetypal, matching_pursuit, icfl, frozen_decoder),
)
BASES = (pca, raw_neurons, random_directions, training_rows, kmeans)
SOLVERS = (ica, nmf, dictionary_learning_sparse_coding)


@pytest.fixture(scope="module")
def case():
    subject = Superposition(features=12, dimensions=8, active=1.2, rows=4000, held_out=600)
    public, planted = subject.train(Run(0)).public, subject.plant(0)
    codes = planted.codes
    question = DictionaryQuestion(**public, size=20, sparsity=2, seed=3, labels=codes["train"] > 0)
    return question, DictionaryTruth(codes["validation"] > 0, codes["test"] > 0, planted.directions, planted.bias)


def run(method, question, **settings):
    batched = method.__touchstone__.options["batched"]
    return check(method([question], **settings)[0] if batched else method(question, **settings), question)


@pytest.mark.parametrize("method", [*LEARNERS, *BASES, *SOLVERS, supervised])
def test_every_method_returns_a_dictionary_of_the_asked_kind(method, case):
    question, truth = case
    settings = {"steps": 400, "batch": 128} if method in LEARNERS else {}
    explanation = run(method, question, **settings)
    assert explained_variance(explanation, question) > 0.15
    assert firing_f1(explanation, truth) > 0.15
    if method is not supervised:
        assert l0(explanation, question)[""] == pytest.approx(2, rel=0.35)
    again = run(method, question, **settings)
    assert torch.equal(explanation.atoms, again.atoms)
    assert torch.equal(explanation.test_values, again.test_values)


@pytest.mark.parametrize("method", [topk, p_anneal, supervised])
def test_the_plant_is_found(method, case):
    question, truth = case
    settings = {"steps": 1200, "batch": 128} if method in LEARNERS else {}
    assert firing_f1(run(method, question, **settings), truth) > 0.7


def test_batched_methods_keep_the_order_of_subjects(case):
    question, _ = case
    wide = dataclasses.replace(question, size=24, sparsity=1)
    narrow = dataclasses.replace(question, size=10)
    found = topk([wide, narrow, wide], steps=20, batch=64)
    assert [len(dictionary.atoms) for dictionary in found] == [24, 10, 24]
    torch.testing.assert_close(found[0].atoms, found[2].atoms)


def test_ica_says_where_it_does_not_apply(case):
    question, _ = case
    with pytest.raises(Unsupported, match="limit here is 4"):
        ica([question], dimensions=4)


def test_ica_atoms_are_unit_vectors_and_codes_invert(case):
    question, _ = case
    full = dataclasses.replace(question, sparsity=16)
    (found,) = ica([full])
    torch.testing.assert_close(found.atoms.norm(dim=1), torch.ones(16), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found.test @ found.atoms + found.bias, question.test, rtol=1e-2, atol=1e-2)


def test_only_the_supervised_ceiling_is_shown_labels(case):
    question, _ = case
    assert question.labels is not None
    assert blinded(question).labels is None
    assert [m for m in (*LEARNERS, *BASES, ica, supervised) if m.__touchstone__.options["supervised"]] == [supervised]


def test_supervised_needs_labels(case):
    question, _ = case
    with pytest.raises(Unsupported, match="no labels"):
        supervised(dataclasses.replace(question, labels=None))


def test_controls_learn_nothing(case):
    question, _ = case
    controls = [m for m in (*LEARNERS, *BASES, ica, supervised) if m.__touchstone__.options["control"]]
    assert controls == [random_directions, training_rows]
    turned = dataclasses.replace(question, train=question.train.flip(0))
    assert torch.equal(run(random_directions, question).atoms, run(random_directions, turned).atoms)
    rows = torch.nn.functional.normalize(question.train - question.train.mean(0), dim=1)
    nearest = run(training_rows, question).atoms @ rows.T
    torch.testing.assert_close(nearest.amax(1), torch.ones(question.size))


def test_penalised_dictionaries_find_features_before_they_are_made_sparse(monkeypatch):
    subject = Superposition(features=32, dimensions=16, active=2.0, rows=5000, held_out=600)
    planted = subject.plant(1)
    truth = DictionaryTruth(
        planted.codes["validation"] > 0, planted.codes["test"] > 0, planted.directions, planted.bias
    )
    question = DictionaryQuestion(**subject.train(Run(1)).public, size=48, sparsity=2, seed=3)
    found = {}
    for above in (4.0, 1.0):
        monkeypatch.setattr(steering, "ABOVE", above)
        found[above] = mcc(run(relu_l1, question, steps=1000, batch=128), truth)
    assert found[4.0] > found[1.0] + 0.03
