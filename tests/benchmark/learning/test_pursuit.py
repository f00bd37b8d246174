"""Pursuit against scikit-learn, exact recovery where theory promises it, and what it does with odd dictionaries."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import sparse_encode
from sklearn.linear_model import OrthogonalMatchingPursuit

from benchmark.learning.pursuit import pursue


def draw(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def unit(count: int, d: int, seed: int) -> torch.Tensor:
    return torch.nn.functional.normalize(draw(count, d, seed=seed), dim=1)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 8), st.integers(8, 24), st.integers(1, 40))
def test_signed_pursuit_is_that_of_scikit_learn(seed: int, depth: int, d: int, m: int) -> None:
    rows, atoms = draw(9, d, seed=seed), unit(m, d, seed + 1)
    ours, _ = pursue(rows, atoms, depth=depth, signed=True)
    theirs = sparse_encode(rows.numpy(), atoms.numpy(), algorithm="omp", n_nonzero_coefs=min(depth, m))
    torch.testing.assert_close(ours, torch.from_numpy(theirs), rtol=1e-6, atol=1e-8)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.05, 20.0))
def test_a_tolerance_stops_where_that_of_scikit_learn_stops(seed: int, tolerance: float) -> None:
    rows, atoms = draw(7, 12, seed=seed), unit(20, 12, seed + 1)
    ours, kept = pursue(rows, atoms, depth=12, tolerance=tolerance, signed=True)
    assert kept == tolerance
    for row, codes in zip(rows, ours, strict=True):
        if float(row.square().sum()) <= tolerance:
            assert not codes.any()  # scikit-learn always takes one atom
            continue
        omp = OrthogonalMatchingPursuit(tol=tolerance, fit_intercept=False).fit(atoms.T.numpy(), row.numpy())
        torch.testing.assert_close(codes, torch.from_numpy(omp.coef_), rtol=1e-6, atol=1e-8)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 2))
def test_what_is_sparse_enough_for_the_coherence_is_recovered(seed: int, count: int) -> None:
    # Tropp 2004: k < (1 + 1 / coherence) / 2
    d = 16
    hadamard = torch.ones(1, 1, dtype=torch.float64)
    while len(hadamard) < d:
        hadamard = torch.cat([torch.cat([hadamard, hadamard], 1), torch.cat([hadamard, -hadamard], 1)])
    atoms = torch.cat([torch.eye(d, dtype=torch.float64), hadamard / d**0.5])  # coherence 1/4: at most 2
    generator = torch.Generator().manual_seed(seed)
    codes = torch.zeros(30, 2 * d, dtype=torch.float64)
    for row in codes:
        row[torch.randperm(2 * d, generator=generator)[:count]] = 0.5 + torch.rand(
            count, generator=generator, dtype=torch.float64
        )
    found, _ = pursue(codes @ atoms, atoms, depth=d, tolerance=1e-12)
    torch.testing.assert_close(found, codes, rtol=1e-6, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 10), st.floats(0.5, 4.0))
def test_codes_are_positive_and_as_many_as_asked_on_average(seed: int, depth: int, asked: float) -> None:
    rows, atoms = draw(200, 10, seed=seed), unit(30, 10, seed + 1)
    codes, tolerance = pursue(rows, atoms, depth=depth, mean_active=asked)
    assert (codes >= 0).all()
    taken = (codes > 0).sum(1)
    assert int(taken.max()) <= depth
    assert float(taken.double().mean()) <= min(asked, depth) + 1 / 200
    again, _ = pursue(rows, atoms, depth=depth, tolerance=tolerance)
    assert torch.equal(codes, again)


def test_the_mean_is_met_where_least_squares_leave_all_codes_positive() -> None:
    rows = draw(500, 12, seed=0).abs()
    codes, _ = pursue(rows, torch.eye(12, dtype=torch.float64), depth=12, mean_active=3.5)
    assert float((codes > 0).sum(1).double().mean()) == pytest.approx(3.5, abs=1 / 500)


def test_more_atoms_never_leave_more() -> None:
    rows, atoms = draw(50, 10, seed=3), unit(25, 10, 4)
    left = [(rows - pursue(rows, atoms, depth=k, signed=True)[0] @ atoms).square().sum(1) for k in range(1, 9)]
    for before, after in pairwise(left):
        assert (after <= before + 1e-9).all()


def test_lengths_are_those_of_the_atoms_and_empty_atoms_are_never_taken() -> None:
    rows, atoms = draw(20, 8, seed=5), unit(12, 8, 6)
    length = torch.linspace(0.1, 3, 12, dtype=torch.float64)[:, None]
    plain, _ = pursue(rows, atoms, depth=3)
    scaled, _ = pursue(rows, atoms * length, depth=3)
    torch.testing.assert_close(scaled * length.T, plain)
    atoms[4] = 0
    without, _ = pursue(rows, atoms, depth=8)
    assert not without[:, 4].any()
    assert torch.isfinite(without).all()


def test_copies_of_an_atom_share_nothing_and_break_nothing() -> None:
    atoms = torch.eye(4).repeat(3, 1)
    rows = torch.tensor([[2.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, -1.0, 0.0, 3.0]])
    codes, _ = pursue(rows, atoms, depth=4)
    torch.testing.assert_close(codes @ atoms, rows.clamp(min=0))
    assert (codes > 0).sum(1).tolist() == [2, 0, 1]


def test_single_precision_is_enough_for_coherent_atoms() -> None:
    base = unit(6, 32, 7)
    atoms = torch.cat([base, torch.nn.functional.normalize(base + 0.02 * draw(6, 32, seed=8), dim=1)])
    rows = draw(40, 32, seed=9)
    exact, _ = pursue(rows, atoms, depth=12, signed=True)
    rough, _ = pursue(rows.float(), atoms.float(), depth=12, signed=True)
    torch.testing.assert_close((rough @ atoms.float()).double(), exact @ atoms, rtol=1e-3, atol=1e-3)
