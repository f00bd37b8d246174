"""Detectors of binary features against scikit-learn, and their cut."""

import torch
from sklearn.linear_model import LogisticRegression

from benchmark.learning.detectors import best_cut, fit_detectors


def problem(n=4000, d=8, features=2):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(n, d, generator=generator) * torch.logspace(-1, 1, d) + 3
    true = torch.randn(d, features, generator=generator) / torch.logspace(-1, 1, d)[:, None]
    return x, (x - 3) @ true + torch.randn(n, features, generator=generator) > 1


def test_detectors_are_those_of_scikit_learn():
    x, labels = problem()
    found = fit_detectors(x, labels, steps=2000, ridge=1e-2)
    inputs = torch.cat([(x - found.mean) @ found.axes, torch.ones(len(x), 1)], 1)
    for feature in range(labels.shape[1]):
        reference = LogisticRegression(C=1 / (1e-2 * len(x)), fit_intercept=False, tol=1e-8, max_iter=1000)
        reference.fit(inputs.numpy(), labels[:, feature].numpy())
        torch.testing.assert_close(
            found.weights[:, feature], torch.from_numpy(reference.coef_[0]).float(), rtol=1e-2, atol=1e-2
        )


def test_what_is_on_exceeds_the_cut():
    x, labels = problem()
    found = fit_detectors(x, labels[:3000])
    assert torch.equal(found.excess(x) > 0, found.logits(x) > found.cut)
    assert ((found.excess(x[3000:]) > 0) == labels[3000:]).float().mean() > 0.75


def test_best_cut_separates_what_can_be_separated():
    logits = torch.tensor([[0.1, 3.0], [0.9, 1.0], [0.4, 2.0], [0.8, 0.0]])
    labels = torch.tensor([[False, True], [True, True], [False, True], [True, False]])
    cut = best_cut(logits, labels)
    assert torch.equal(logits > cut, labels)
