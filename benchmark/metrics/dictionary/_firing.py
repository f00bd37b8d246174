"""Atoms as detectors: F1 of every atom, at every threshold, against every true feature, by matrix products.

An atom fires where its code exceeds a share t of its largest validation code, t in 0, 0.1, ..., 0.9 (Karvonen et al.
2024, arXiv:2408.00113). Every choice (of atom, of threshold) is made on the validation rows; scores come from the test
rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from benchmark.families.dictionary import DictionaryExplanation, DictionaryTruth

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


def table(codes: Float[Tensor, "v m"], labels: Bool[Tensor, "v g"]) -> Table:
    """Count hits and firings at every threshold."""
    truth = labels.float()
    top = codes.amax(0)
    hits, fires = [], []
    for share in SHARES:
        firing = (codes > share * top).float()
        hits.append(firing.T @ truth)
        fires.append(firing.sum(0))
    return Table(torch.stack(hits), torch.stack(fires), truth.sum(0))


_tables: WeakKeyDictionary[DictionaryExplanation, tuple[DictionaryTruth, Table]] = WeakKeyDictionary()


def validation_table(explanation: DictionaryExplanation, truth: DictionaryTruth) -> Table:
    """The table of an explanation, computed once: several metrics read it."""
    known = _tables.get(explanation)
    if known is None or known[0] is not truth:
        known = (truth, table(explanation.validation_codes, truth.validation))
        _tables[explanation] = known
    return known[1]


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


def occurring(truth: DictionaryTruth) -> Bool[Tensor, g]:
    """Features that are on in some validation row and in some test row: no other can be chosen for and scored."""
    return truth.validation.any(0) & truth.test.any(0)
