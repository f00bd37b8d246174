"""Atoms as detectors: F1 of every atom, at every threshold, against every true feature.

    firings(codes).against(labels).f1        [thresholds, atoms, features]

An atom fires where its code exceeds a share t of its largest validation code, t in 0, 0.1, ..., 0.9 (Karvonen et al.
2024, arXiv:2408.00113). Every choice (of atom, of threshold) is made on the validation rows; scores come from the test
rows.

Codes are sparse, so only firings are counted: each goes to the highest threshold it exceeds, the counts of that step
come from one sparse product, and those of a threshold are the sums of its step and all above.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy.sparse import csr_array
from torch import Tensor

SHARES = tuple(step / 10 for step in range(10))


@dataclass(frozen=True, eq=False)
class Table:
    """Counts on the validation rows."""

    hits: Float[Tensor, "t m g"]
    """Rows in which the atom fires and the feature is on."""
    fires: Float[Tensor, "t m"]
    on: Float[Tensor, g]

    @property
    def f1(self) -> Float[Tensor, "t m g"]:
        """F1 of every atom at every threshold as a detector of every feature; 0 where an atom never fires or a feature
        is never on.
        """
        return 2 * self.hits / (self.fires[..., None] + self.on).clamp(min=1)


@dataclass(frozen=True, eq=False)
class Firings:
    """Where each atom fires, and how strongly."""

    steps: csr_array
    """[t * m, v] a one where an atom's code in a row exceeds this threshold and no higher one."""
    counted: list[tuple[Tensor, Table]] = field(default_factory=list)
    """The labels that were counted last, and their table: several metrics ask for the same one."""

    def against(self, labels: Bool[Tensor, "v g"]) -> Table:
        """Count hits and firings at every threshold."""
        if not (self.counted and self.counted[0][0] is labels):
            self.counted[:] = [(labels, self._count(labels))]
        return self.counted[0][1]

    def _count(self, labels: Bool[Tensor, "v g"]) -> Table:
        truth = labels.float()
        ones = torch.ones(len(truth), 1)
        counts = torch.from_numpy(self.steps @ torch.cat([truth, ones], 1).numpy())
        counts = counts.reshape(len(SHARES), -1, truth.shape[1] + 1).flip(0).cumsum(0).flip(0)
        return Table(counts[..., :-1], counts[..., -1], truth.sum(0))


def firings(codes: Float[Tensor, "v m"]) -> Firings:
    """Sort the codes above 0 by the highest threshold that each exceeds."""
    top = codes.amax(0)
    row, atom = (codes > 0).nonzero(as_tuple=True)
    code = codes[row, atom]
    step = torch.zeros_like(atom)
    for share in SHARES[1:]:
        step += code > (share * top)[atom]
    place = (step * codes.shape[1] + atom).numpy(), row.numpy()
    shape = (len(SHARES) * codes.shape[1], len(codes))
    return Firings(csr_array((np.ones(len(code), dtype=np.float32), place), shape=shape))


def best_detectors(f1: Float[Tensor, "t m g"]) -> tuple[Int[Tensor, g], Int[Tensor, g]]:
    """For every feature the (threshold index, atom) of greatest F1; the same atom may serve several features."""
    shares, atoms, features = f1.shape
    best = f1.reshape(shares * atoms, features).argmax(0)
    return best // atoms, best % atoms


def test_f1(
    validation: Float[Tensor, "v m"],
    test: Float[Tensor, "n m"],
    labels: Bool[Tensor, "n g"],
    share: Int[Tensor, g],
    atom: Int[Tensor, g],
) -> Float[Tensor, g]:
    """F1 on the test rows of one chosen atom and threshold for each feature; 0 where nothing fires or nothing is on."""
    level = torch.tensor(SHARES)[share] * validation.amax(0)[atom]
    firing = (test[:, atom] > level).float()
    truth = labels.float()
    return 2 * (firing * truth).sum(0) / (firing.sum(0) + truth.sum(0)).clamp(min=1)


test_f1.__test__ = False  # type: ignore[attr-defined]
