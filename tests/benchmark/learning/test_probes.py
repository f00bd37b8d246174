"""Batched probes against scikit-learn, and what must not change them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from benchmark.errors import TouchstoneError
from benchmark.learning.controls import control_labels, with_controls
from benchmark.learning.probes import fit_linear, fit_mlp


def problem(seed, b=2, n=300, d=6, concepts=3, classes=3, dtype=torch.float64):
    g = torch.Generator().manual_seed(seed)
    scales = torch.logspace(-1, 1, d, dtype=dtype)
    x = torch.randn(b, n, d, generator=g, dtype=dtype) * scales + 3
    true = torch.randn(d, concepts * classes, generator=g, dtype=dtype) / scales[:, None]
    noise = torch.randn(b, n, concepts * classes, generator=g, dtype=dtype)
    return x, ((x - 3) @ true + noise).unflatten(2, (concepts, classes)).argmax(-1)


@pytest.mark.parametrize("penalty", [0.1, 1.0, 30.0])
def test_linear_agrees_with_scikit_learn(penalty):
    x, labels = problem(0)
    probes = fit_linear(x, labels, (3, 3, 3), penalty=penalty, tolerance=1e-9)
    assert probes.converged
    for b in range(2):
        for concept in range(3):
            peer = LogisticRegression(C=1 / penalty, solver="newton-cholesky", tol=1e-12, max_iter=500)
            peer.fit(x[b].numpy(), labels[b, :, concept].numpy())
            np.testing.assert_allclose(probes.weight[b, :, concept].T.numpy(), peer.coef_, atol=1e-5)
            ours = probes.scores(x)[b, :, concept].softmax(-1).numpy()
            np.testing.assert_allclose(ours, peer.predict_proba(x[b].numpy()), atol=1e-6)


def test_float32_agrees_to_a_thousandth():
    x, labels = problem(1, dtype=torch.float32)
    ours = fit_linear(x, labels, (3, 3, 3)).scores(x)[0, :, 0].softmax(-1).numpy()
    peer = LogisticRegression(solver="newton-cholesky").fit(x[0].double().numpy(), labels[0, :, 0].numpy())
    np.testing.assert_allclose(ours, peer.predict_proba(x[0].double().numpy()), atol=5e-3)


@pytest.mark.parametrize("penalty", [0.1, 1.0, 30.0])
def test_two_classes_are_scikit_learns_sigmoid_at_the_same_penalty(penalty):
    x, labels = problem(2, classes=2)
    ours = fit_linear(x, labels, (2, 2, 2), penalty=penalty, tolerance=1e-9).scores(x)[0, :, 0].softmax(-1)
    peer = LogisticRegression(C=1 / penalty, solver="newton-cholesky", tol=1e-12)
    peer.fit(x[0].numpy(), labels[0, :, 0].numpy())
    np.testing.assert_allclose(ours.numpy(), peer.predict_proba(x[0].numpy()), atol=1e-5)


def test_a_problem_does_not_depend_on_its_neighbours():
    x, labels = problem(3)
    labels[:, :, 2].clamp_(max=1)
    together = fit_linear(x, labels, (3, 3, 2), tolerance=1e-8)
    alone = fit_linear(x[1:], labels[1:, :, 2:], (2,), tolerance=1e-8)
    torch.testing.assert_close(together.weight[1, :, 2, :2], alone.weight[0, :, 0], atol=1e-5, rtol=0)
    assert together.scores(x)[..., 2, 2].eq(-torch.inf).all(), "a class that a concept lacks is never predicted"


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_linear_probe_turns_with_its_inputs(seed):
    x, labels = problem(seed, b=1, n=100, concepts=1)
    turn = torch.linalg.qr(torch.randn(6, 6, generator=torch.Generator().manual_seed(seed), dtype=x.dtype)).Q
    plain = fit_linear(x, labels, (3,), tolerance=1e-8).scores(x)
    turned = fit_linear(x @ turn, labels, (3,), tolerance=1e-8).scores(x @ turn)
    torch.testing.assert_close(plain, turned, atol=1e-4, rtol=1e-4)


def test_separable_and_constant_inputs_end():
    x = torch.cat([torch.zeros(1, 20, 2), torch.ones(1, 20, 2)], 1)
    labels = torch.cat([torch.zeros(1, 20, 1), torch.ones(1, 20, 1)], 1).long()
    assert (fit_linear(x, labels, (2,)).scores(x)[..., 0, :].argmax(-1) == labels[..., 0]).all()
    flat = fit_linear(torch.ones(1, 40, 2), labels, (2,))
    torch.testing.assert_close(flat.scores(torch.ones(1, 1, 2)).softmax(-1)[0, 0, 0], torch.tensor([0.5, 0.5]))


def xor(n=600, b=1, seed=0):
    g = torch.Generator().manual_seed(seed)
    bits = torch.randint(2, (b, n, 2), generator=g)
    return bits * 2.0 - 1 + 0.2 * torch.randn(b, n, 2, generator=g), (bits[..., 0] ^ bits[..., 1])[..., None]


def test_exclusive_or_is_for_mlps_only():
    x, labels = xor()
    unseen, wanted = xor(seed=1)
    linear = fit_linear(x, labels, (2,)).scores(unseen).argmax(-1) == wanted
    mlp = fit_mlp(x, labels, (2,), seeds=[0], hidden=16).scores(unseen).argmax(-1) == wanted
    assert linear.float().mean() < 0.65
    assert mlp.float().mean() > 0.98


def test_stacked_mlps_are_the_single_ones():
    x, labels = xor(b=2)
    both = fit_mlp(x, labels, (2,), seeds=[5, 6], hidden=8, steps=9).scores(x)
    for i, seed in enumerate((5, 6)):
        one = fit_mlp(x[i : i + 1], labels[i : i + 1], (2,), seeds=[seed], hidden=8, steps=9).scores(x[i : i + 1])
        torch.testing.assert_close(both[i : i + 1], one, atol=1e-4, rtol=1e-4)


def test_gradient_moments_agree_with_autograd():
    x, labels = xor(n=50)
    probes = fit_mlp(x, labels, (2,), seeds=[0], hidden=8, steps=9)
    jacobian = torch.func.vmap(torch.func.jacrev(lambda row: probes.scores(row[None, None])[0, 0, 0]))(x[0])
    centred = jacobian - jacobian.mean(1, keepdim=True)
    torch.testing.assert_close(probes.gradient_moments(x)[0, 0], (centred.mT @ centred).mean(0), atol=1e-4, rtol=1e-4)


def test_nan_in_training_is_named():
    x, labels = xor(n=40)
    x[0, 0, 0] = torch.nan
    with pytest.raises(TouchstoneError, match="NaN"):
        fit_mlp(x, labels, (2,), seeds=[0], steps=1)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 3))
def test_controls_are_fixed_per_type_and_hidden_among_the_rest(seed, copies):
    g = torch.Generator().manual_seed(seed)
    labels = torch.randint(3, (60, 3), generator=g)
    types = torch.randint(7, (60,), generator=g)
    mixed = with_controls(
        labels[:40], labels[40:], types[:40], types[40:], (3, 3, 3), copies=range(copies), generator=g
    )
    assert mixed.train.shape == (40, 3 + copies)
    assert sorted(mixed.order) == list(range(3 + copies))
    everything = torch.cat([mixed.train, mixed.test])
    for place, twin in enumerate(mixed.control_of):
        if twin < 0:
            assert (everything[:, place] == labels[:, mixed.order[place]]).all()
        else:
            assert mixed.control_of[twin] == -1
            assert mixed.order[twin] == mixed.order[place] - 3, "the i-th control copies the i-th of `copies`"
            assert all(len(everything[types == kind, place].unique()) == 1 for kind in types.unique())


def test_control_labels_follow_the_frequencies():
    labels = torch.tensor([0] * 90 + [1] * 10)
    drawn = control_labels(labels, 3, torch.arange(5000), torch.Generator().manual_seed(0))
    assert abs((drawn == 1).float().mean() - 0.1) < 0.02
    assert not (drawn == 2).any()
