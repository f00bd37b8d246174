"""Probing methods against scikit-learn, the authors' package, and closed forms."""

import dataclasses
import functools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestCentroid

from benchmark.families.probing import ProbingQuestion, check, run_from_layers
from benchmark.families.probing.metrics import test_accuracy as accuracy_module
from benchmark.families.probing.metrics.dimension_recall import dimension_recall
from benchmark.families.probing.trivial import trivial
from methods.probing.active_subspace import active_subspace
from methods.probing.difference_in_means import difference_in_means
from methods.probing.leace import leace
from methods.probing.linear_probe import linear_probe
from methods.probing.mlp_probe import mlp_probe
from methods.probing.nearest_mean import nearest_mean
from methods.probing.principal_components import principal_components


def one_by_one(questions, **settings):
    return [mlp_probe(question, **settings) for question in questions]


one_by_one.__name__ = "mlp_probe"
METHODS = (linear_probe, one_by_one, difference_in_means, nearest_mean, leace)


def posed_problem(seed=0, n=400, m=200, d=10, classes=(3, 2), turn=None):
    """Classes written in few directions, with noise that all dimensions share."""
    g = torch.Generator().manual_seed(seed)
    labels = torch.stack([torch.randint(k, (n + m,), generator=g) for k in classes], 1)
    x = torch.randn(n + m, d, generator=g) @ (torch.eye(d) + 0.5 * torch.randn(d, d, generator=g))
    for concept, k in enumerate(classes):
        x += 2 * torch.randn(k, d, generator=g)[labels[:, concept]]
    x = x + 3 if turn is None else x @ turn
    posed = ProbingQuestion(
        layer="hidden",
        train=x[:n],
        test=x[n:],
        labels=labels[:n],
        classes=classes,
        run_from=run_from_layers({"hidden": lambda activations, _: activations}),
        seed=seed,
    )
    return posed, labels[n:]


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.__name__)
def test_the_trivial_problem_is_solved(method):
    posed, truth = trivial(0)
    explanation = check(method([posed])[0], posed)
    assert accuracy_module.test_accuracy(explanation, truth)[""] == 1
    if method is nearest_mean:
        assert explanation.subspace is None
    else:
        # a separable problem leaves most of the network's random first weights as they were
        assert dimension_recall(explanation, truth)[""] > (0.75 if method is one_by_one else 0.95)


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.__name__)
def test_a_batch_is_the_same_as_one_by_one_and_keeps_its_order(method):
    questions = [posed_problem(0)[0], trivial(1)[0], posed_problem(2)[0]]
    before = [question.train.clone() for question in questions]
    for question, together in zip(questions, method(questions), strict=True):
        alone = method([question])[0]
        torch.testing.assert_close(together.scores, alone.scores, atol=2e-2, rtol=1e-2)
        assert torch.equal(together.scores.argmax(2), alone.scores.argmax(2))
        check(together, question)
    assert all(torch.equal(question.train, kept) for question, kept in zip(questions, before, strict=True))


def test_linear_probe_predicts_as_scikit_learn():
    posed, _ = posed_problem()
    ours, exact = linear_probe([posed])[0].scores, linear_probe([posed], tolerance=1e-5)[0].scores
    centre = posed.train.mean(0)
    scale = (posed.train - centre).square().mean().sqrt()
    peer = LogisticRegression(C=1.0, tol=1e-8, max_iter=1000).fit(
        ((posed.train - centre) / scale).numpy(), posed.labels[:, 0].numpy()
    )
    expected = peer.predict_proba(((posed.test - centre) / scale).numpy())
    np.testing.assert_allclose(exact[:, 0].softmax(1).numpy(), expected, atol=1e-3)
    np.testing.assert_allclose(ours[:, 0].softmax(1).numpy(), expected, atol=0.03)


def test_nearest_mean_predicts_as_scikit_learn():
    posed, _ = posed_problem(n=61)
    ours = nearest_mean([posed])[0].scores[:, 0].argmax(1).numpy()
    peer = NearestCentroid().fit(posed.train.numpy(), posed.labels[:, 0].numpy())
    assert (ours == peer.predict(posed.test.numpy())).all()


def test_leace_scores_are_discriminant_analysis():
    posed, _ = posed_problem()
    ours = leace([posed])[0].scores
    for concept, classes in enumerate(posed.classes):
        labels = posed.labels[:, concept].numpy()
        peer = LinearDiscriminantAnalysis(solver="lsqr").fit(posed.train.double().numpy(), labels)
        expected = peer.predict_log_proba(posed.test.double().numpy())
        found = ours[:, concept, :classes].log_softmax(1).numpy()
        np.testing.assert_allclose(found.clip(-20), expected.clip(-20), atol=1e-3)


def erased(explanation, concept, x, centre):
    return x - explanation.component(concept, x - centre)


def test_leace_is_the_authors_eraser():
    package = pytest.importorskip("concept_erasure")
    posed, _ = posed_problem()
    explanation = leace([posed])[0]
    for concept, classes in enumerate(posed.classes):
        x, z = posed.train.double(), torch.nn.functional.one_hot(posed.labels[:, concept], classes).double()
        fitter = package.LeaceFitter(
            x.shape[1], classes, dtype=torch.float64, shrinkage=False, constrain_cov_trace=False
        ).update(x, z)
        expected = fitter.eraser(posed.test.double()).float()
        ours = erased(explanation, concept, posed.test, posed.train.mean(0))
        torch.testing.assert_close(ours, expected, atol=1e-3, rtol=1e-3)


def test_leace_leaves_equal_class_means_and_nothing_linear():
    posed, wanted = posed_problem()
    explanation = leace([posed])[0]
    x = erased(explanation, 0, posed.train, posed.train.mean(0))
    means = torch.stack([x[posed.labels[:, 0] == k].mean(0) for k in range(3)])
    torch.testing.assert_close(means, means.mean(0).expand(3, -1), atol=1e-3, rtol=1e-3)
    peer = LogisticRegression(max_iter=1000).fit(x.numpy(), posed.labels[:, 0].numpy())
    unseen = erased(explanation, 0, posed.test, posed.train.mean(0)).numpy()
    constant = torch.bincount(wanted[:, 0]).max() / len(wanted)
    assert peer.score(unseen, wanted[:, 0].numpy()) <= float(constant) + 0.02


def test_leace_changes_less_than_removing_the_same_span_orthogonally():
    posed, _ = posed_problem()
    explanation = leace([posed])[0]
    orthogonal = dataclasses.replace(explanation, reader=None)
    x = posed.train - posed.train.mean(0)
    assert explanation.component(0, x).square().sum() < orthogonal.component(0, x).square().sum()


def test_difference_in_means_is_the_line_between_two_means():
    posed, _ = posed_problem(classes=(2, 2))
    explanation = difference_in_means([posed])[0]
    means = torch.stack([posed.train[posed.labels[:, 0] == k].mean(0) for k in (0, 1)])
    direction = means[1] - means[0]
    cosine = explanation.subspace[0, 0] @ direction / direction.norm()
    assert abs(abs(float(cosine)) - 1) < 1e-4
    midpoint = (posed.test - means.mean(0)) @ direction > 0
    assert (explanation.scores[:, 0].argmax(1) == midpoint.long()).all()


def test_mlp_probe_finds_an_exclusive_or_and_its_two_dimensions():
    g = torch.Generator().manual_seed(0)
    bits = torch.randint(2, (1500, 2), generator=g)
    x = 0.3 * torch.randn(1500, 12, generator=g)
    x[:, 3:5] += bits * 2.0 - 1
    labels = (bits[:, 0] ^ bits[:, 1])[:, None]
    posed = ProbingQuestion(
        layer="hidden",
        train=x[:1000],
        test=x[1000:],
        labels=labels[:1000],
        classes=(2,),
        run_from=run_from_layers({}),
        seed=0,
    )
    found = mlp_probe(posed, directions=2)
    assert (found.scores.argmax(2) == labels[1000:]).float().mean() > 0.97
    assert found.subspace[0][:, 3:5].square().sum() > 1.8
    linear = linear_probe([posed])[0]
    assert (linear.scores.argmax(2) == labels[1000:]).float().mean() < 0.6


def read_by(rows, seed=0):
    """One concept of two classes, written in dimensions 0 and 1 alike; the network reads `rows` of the activations."""
    g = torch.Generator().manual_seed(seed)
    labels = torch.randint(2, (1200, 2), generator=g)
    x = 0.3 * torch.randn(1200, 8, generator=g)
    x[:, 0] += labels[:, 0] * 2.0 - 1
    x[:, 1] += torch.where(torch.arange(1200) < 800, labels[:, 0], labels[:, 1]) * 2.0 - 1
    x[:, 2] += torch.randint(2, (1200,), generator=g) * 2.0 - 1
    return ProbingQuestion(
        layer="hidden",
        train=x[:800],
        test=x[800:],
        labels=labels[:800, :1],
        classes=(2,),
        run_from=run_from_layers({"hidden": lambda activations, _: torch.tanh(activations[:, rows])}),
        seed=seed,
        ranks=(1,),
    )


@pytest.mark.parametrize("place", [0, 1])
def test_active_subspace_names_the_place_that_is_read(place):
    posed = read_by([place, 2])
    found = check(active_subspace(posed), posed)
    assert found.uses.tolist() == [True]
    assert abs(float(found.subspace[0, 0, place])) > 0.95
    probe = check(mlp_probe(posed, directions=1), posed)
    assert abs(float(probe.subspace[0, 0, 1 - place])) > 0.5, "a probe alone mixes the two"


def test_active_subspace_says_what_is_not_used():
    posed = read_by([2, 3])
    found = check(active_subspace(posed), posed)
    assert found.uses.tolist() == [False]
    assert found.subspace[0, 0, :2].norm() > 0.95, "where it is written"


def test_principal_components_never_run_the_model_nor_ask_what_a_label_means():
    def refuse(*_):
        raise AssertionError("it ran the model")

    posed = dataclasses.replace(trivial(0)[0], run_from=refuse)
    found = check(principal_components(posed), posed)
    shuffled = posed.labels[torch.randperm(len(posed.labels), generator=torch.Generator().manual_seed(0))]
    again = principal_components(dataclasses.replace(posed, labels=shuffled))
    assert torch.equal(found.subspace, again.subspace)
    covariance = torch.cov(posed.train.T)
    largest = torch.linalg.eigvalsh(covariance)[-2:].flip(0)
    torch.testing.assert_close((found.subspace[1] @ covariance @ found.subspace[1].T).diagonal(), largest)


def test_mlp_probe_keeps_to_the_allowed_dimensions():
    posed = dataclasses.replace(trivial(0)[0], ranks=(1, 2, 3))
    subspace = check(mlp_probe(posed, steps=20), posed).subspace
    assert (subspace.norm(dim=2) > 0.5).sum(1).tolist() == [1, 2, 3]


def test_a_class_without_train_inputs_is_never_predicted():
    posed, _ = posed_problem()
    labels = posed.labels.clone()
    labels[labels[:, 0] == 1, 0] = 0
    without = dataclasses.replace(posed, labels=labels)
    for method in METHODS:
        assert not (check(method([without])[0], without).scores[:, 0].argmax(1) == 1).any(), method.__name__


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 1000))
def test_linear_methods_turn_with_the_space(seed):
    turn = torch.linalg.qr(torch.randn(10, 10, generator=torch.Generator().manual_seed(seed))).Q
    plain, _ = posed_problem(seed, turn=torch.eye(10))
    turned, _ = posed_problem(seed, turn=turn)
    converged = functools.partial(linear_probe, tolerance=1e-5, steps=2000)
    for method in (converged, difference_in_means, nearest_mean, leace):
        left, right = method([plain])[0], method([turned])[0]
        agree = (left.scores.argmax(2) == right.scores.argmax(2)).float().mean()
        assert agree > 0.99, method
        if left.subspace is not None:
            x, y = plain.test - plain.train.mean(0), turned.test - turned.train.mean(0)
            torch.testing.assert_close(left.component(0, x) @ turn, right.component(0, y), atol=2e-2, rtol=2e-2)
