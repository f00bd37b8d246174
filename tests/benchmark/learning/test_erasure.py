"""The eraser on its own: what it removes, and how little."""

import pytest
import torch

from benchmark.learning.erasure import fit_leace


def problem(b=2, n=400, d=7, classes=(3, 2)):
    generator = torch.Generator().manual_seed(0)
    labels = torch.stack([torch.randint(k, (b, n), generator=generator) for k in classes], 2)
    x = torch.randn(b, n, d, generator=generator) @ torch.randn(b, d, d, generator=generator) + 5
    x[..., 0] += labels[..., 0]
    x[..., 2] -= 2 * labels[..., 1]
    return x, labels, classes


def test_nothing_linear_is_left_of_the_erased_concept():
    x, labels, classes = problem()
    eraser = fit_leace(x, labels, classes)
    for concept, k in enumerate(classes):
        left = eraser.erase(x, concept)
        one_hot = torch.nn.functional.one_hot(labels[..., concept], k).float()
        covariance = (left - left.mean(1, keepdim=True)).mT @ (one_hot - one_hot.mean(1, keepdim=True)) / x.shape[1]
        assert covariance.abs().max() < 1e-4
        torch.testing.assert_close(eraser.erase(left, concept), left, rtol=1e-4, atol=1e-3)


def test_it_is_the_authors_eraser():
    package = pytest.importorskip("concept_erasure")
    x, labels, classes = problem()
    eraser = fit_leace(x, labels, classes)
    for b in range(len(x)):
        for concept, k in enumerate(classes):
            fitter = package.LeaceFitter(
                x.shape[2], k, dtype=torch.float64, shrinkage=False, constrain_cov_trace=False
            ).update(x[b].double(), torch.nn.functional.one_hot(labels[b, :, concept], k).double())
            expected = fitter.eraser(x[b].double()).float()
            torch.testing.assert_close(eraser.erase(x, concept)[b], expected, rtol=1e-3, atol=1e-3)


def test_no_less_is_changed_by_removing_the_same_span_orthogonally():
    x, labels, classes = problem()
    eraser = fit_leace(x, labels, classes)
    centred = (x - eraser.mean).double()
    basis = eraser.subspace[:, 0]
    orthogonal = centred @ basis.mT @ basis
    assert (x - eraser.erase(x, 0)).square().sum() < orthogonal.square().sum()


def test_scores_do_not_read_what_is_kept():
    x, labels, classes = problem()
    eraser = fit_leace(x, labels, classes)
    removed = x - eraser.erase(x, 0) + eraser.mean
    torch.testing.assert_close(eraser.scores(x)[:, :, 0], eraser.scores(removed)[:, :, 0], rtol=1e-3, atol=1e-3)
    guessed = eraser.scores(x)[:, :, 1, :2].argmax(-1)
    assert (guessed == labels[..., 1]).float().mean() > 0.6
