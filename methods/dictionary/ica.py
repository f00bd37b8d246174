"""Independent components as atoms, one of each sign (FastICA, Hyvärinen 1999): at most as many as dimensions.

The components do not depend on the sparsity asked for, so questions with equal activations share one fit.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch
from sklearn.decomposition import FastICA
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor

from benchmark.errors import Unsupported
from benchmark.families.dictionary import Dictionary, DictionaryQuestion, both_signs, dictionary_method

FLAT = 1e-5
"""Directions of less than so much of the greatest spread hold rounding."""


@dictionary_method(cites="doi:10.1109/72.761722", batched=True)
def ica(
    questions: Sequence[DictionaryQuestion], *, iterations: int = 100, rows: int = 10000, dimensions: int = 512
) -> list[Dictionary]:
    """Independent components by FastICA on at most `rows` rows; each row keeps its largest activations."""
    fits: list[tuple[DictionaryQuestion, FastICA]] = []
    found = []
    for question in questions:
        atoms, mean, inverse = _components(_fit(question, fits, iterations, rows, dimensions))
        found.append(both_signs(atoms, mean, question, inverse))
    return found


def _fit(
    question: DictionaryQuestion,
    fits: list[tuple[DictionaryQuestion, FastICA]],
    iterations: int,
    rows: int,
    dimensions: int,
) -> FastICA:
    """FastICA on a question's training rows, taken from `fits` where the same was asked before."""
    d = question.train.shape[1]
    if d > dimensions:
        raise Unsupported(
            f"FastICA on {d} dimensions takes too long; its limit here is {dimensions} (parameter `dimensions`)"
        )
    components = min(_rank(question.train), question.size // 2)
    for other, fit in fits:
        drawn = (other.seed, other.start, fit.n_components)
        if drawn == (question.seed, question.start, components) and torch.equal(other.train, question.train):
            return fit
    generator = torch.Generator().manual_seed(question.seed)
    chosen = torch.randperm(len(question.train), generator=generator)[:rows]
    fit = FastICA(components, whiten="unit-variance", max_iter=iterations, tol=1e-3, random_state=question.start)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fit.fit(question.train[chosen].numpy())
    fits.append((question, fit))
    return fit


def _rank(rows: Tensor) -> int:
    """In how many dimensions the rows vary: whitening would blow up the rounding of the others."""
    centred = (rows - rows.mean(0)).double()
    variances = torch.linalg.eigvalsh(centred.T @ centred)
    return max(1, int((variances > FLAT**2 * variances[-1]).sum()))


def _components(fit: FastICA) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Unit atoms, mean, and the rows whose products with x - mean are the atoms' codes."""
    atoms = torch.from_numpy(fit.mixing_.T.copy()).float()
    length = atoms.norm(dim=1, keepdim=True)
    inverse = torch.from_numpy(fit.components_.copy()).float() * length
    return atoms / length, torch.from_numpy(fit.mean_.copy()).float(), inverse
