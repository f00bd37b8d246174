"""A fast backend for rules that ask every entry of z = E (x - b) apart: gates, thresholds.

    f = f(z, what atom j has)      one or more codes of every entry, each rebuilding x:      r = f D + b - x
    L = mean_x sum over codes of |r|^2 + whatever the entries say                     of which atoms and b learn by the
                                                                                      first code alone

A rule says in `Entrywise` what these are. Either all entries are computed, or only those are listed that can have a
code or a slope at all: then the formulas run over these alone, as in `dictionary_sparse`, the encoder product being
dense.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import EllipsisType
from typing import Generic, Protocol, TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from benchmark.learning.compiled import compiled
from benchmark.learning.dictionary_sparse import (
    TILE,
    TINY,
    SparseGradients,
    add_by_atom,
    add_rows,
    combine_parts,
    dots,
    find_active,
)
from benchmark.learning.rules import Autoencoder, Measured, P, Rule

SPARSE_BELOW = 0.2  # share of listed entries under which listing them is faster, as measured
SPARSE_FROM = 2**16  # entries of a batch under which the gain does not pay for a second of compiling

P_contra = TypeVar("P_contra", bound=Autoencoder, contravariant=True)

Entries = Float[Tensor, "*entries"]
At = Int[Tensor, " a"] | EllipsisType
"""`values[at]` is what the atom of every entry has: the numbers of listed ones, or all of them in order."""


class Entrywise(Protocol[P_contra]):
    """The formulas of a rule for entries of z: listed ones [a], or all of them [B, m]."""

    def bound(self, p: P_contra) -> Float[Tensor, " m"]:
        """Entries of an atom that are not above it have neither a code nor a slope."""

    def codes(self, p: P_contra, z: Entries, at: At) -> list[Entries]:
        """The codes of entries above it; the first are those of the dictionary."""

    def slopes(self, p: P_contra, z: Entries, at: At, toward: Sequence[Entries]) -> tuple[Entries, dict[str, Entries]]:
        """What entries above it add to the gradient of a sample's objective, which along their codes is `toward`.

        Along z; and, by any name, what the rule wants summed over the entries of an atom.
        """

    def gradients(self, p: P_contra, sums: dict[str, Float[Tensor, " m"]], l0: float) -> dict[str, Float[Tensor, " m"]]:
        """The gradients of what atoms have, from the batch's means of those sums."""


@compiled
def _rebuild(place, values, start, inputs, atoms, outward, residuals, toward):  # type: ignore[no-untyped-def]
    """Fill twice the residuals [v, n, d] of each kind of codes [v, a] and their products with atoms, `toward` [v, a].

    Codes are listed row by row as `find_active` does. The first residuals are added to `outward` [d]; returns the sum
    of their squares.
    """
    kinds, n, d = residuals.shape
    error = 0.0
    for i in range(n):
        begin, stop = start[i], start[i + 1]
        for v in range(kinds):
            residual = residuals[v, i]
            for q in range(d):
                residual[q] = -inputs[i, q]
            add_rows(residual, values[v, begin:stop], place[begin:stop], atoms)
            squares = np.float32(0)
            for q in range(d):
                squares += residual[q] * residual[q]
                residual[q] *= np.float32(2)
            dots(toward[v, begin:stop], residual, place[begin:stop], atoms)
            if v == 0:
                error += float(squares)
                for q in range(d):
                    outward[q] += residual[q]
    return error


@dataclass(frozen=True)
class _Found:
    """What a batch, or a part of it, showed of one dictionary, summed over its rows."""

    error: float
    active: int
    least: float
    listed: int
    sums: dict[str, Tensor]


class EntrywiseStep(Generic[P]):
    """The backend of a rule that has `Entrywise` formulas as well as those for autograd."""

    def __init__(
        self, rule: Rule[P], formulas: Entrywise[P], p: P, batch: int, dtype: torch.dtype = torch.float32
    ) -> None:
        self.rule, self.formulas, self.p, self.batch, self.dtype = rule, formulas, p, batch, dtype
        k, m, d = p.encoder.shape
        plain = p.encoder.device.type == "cpu" and dtype == torch.float32
        self.workers = SparseGradients(batch, m, d) if plain and batch * m >= SPARSE_FROM else None
        self.inputs = torch.empty(0)
        self.share = 1.0
        """Of the entries that had a code in the last step, or that were listed."""
        self.cut_at = torch.zeros(k, device=p.bias.device)

    @property
    def sparse(self) -> bool:
        """Whether the next step lists entries."""
        return self.workers is not None and self.share < SPARSE_BELOW

    @property
    def torch_threads(self) -> int:
        """1 where entries are listed, which has its own threads."""
        return 1 if self.sparse else torch.get_num_threads()

    def gradients(self, inputs: Float[Tensor, "k B d"], targets: Float[Tensor, "k B d"]) -> Measured:
        """Fill `.grad` of the trained tensors with the gradient of the objective at `inputs`, the targets too."""
        if targets is not inputs:
            raise ValueError("got targets other than the inputs, expected an autoencoder: offer no backend for others")
        self.inputs = inputs
        for tensor in self.p.trained().values():
            tensor.grad = torch.empty_like(tensor) if tensor.grad is None else tensor.grad
        sparse, found = self.sparse, []
        for index, x in enumerate(inputs):
            p = self.p.one(index)
            gradients = {
                name: tensor.grad[index] for name, tensor in self.p.trained().items() if tensor.grad is not None
            }
            fill = self._list if sparse else self._dense
            one = fill(p, x, gradients)
            means = {name: total / self.batch for name, total in one.sums.items()}
            for name, gradient in self.formulas.gradients(p, means, one.active / self.batch).items():
                gradients[name].copy_(gradient)
            found.append(one)
        self.share = max(one.listed for one in found) / self.batch / self.p.atoms.shape[1]
        self.cut_at = self._numbers(one.least if math.isfinite(one.least) else 0.0 for one in found)
        error = self._numbers(one.error / self.batch for one in found)
        return Measured(error, self._numbers(one.active / self.batch for one in found))

    def codes(self) -> Iterator[Float[Tensor, "B m"]]:
        """Codes of the last inputs with the parameters as they are now."""
        for index, inputs in enumerate(self.inputs):
            with torch.no_grad():
                yield self.rule.encode_batch(self.p.one(index), inputs)

    def least(self) -> Float[Tensor, " k"]:
        """The least code that was active in the last step, 0 where none was."""
        return self.cut_at

    def _numbers(self, values: Iterable[float]) -> Float[Tensor, " k"]:
        """A number for each dictionary, where the dictionaries are."""
        return torch.tensor(list(values), device=self.p.bias.device)

    def _dense(self, p: P, inputs: Float[Tensor, "B d"], gradients: dict[str, Tensor]) -> _Found:
        """Fill the gradients of one dictionary from all entries."""
        formulas, low = self.formulas, self.dtype
        centred, atoms = inputs - p.bias, p.atoms.to(low)
        z = (centred.to(low) @ p.encoder.to(low).T).float()
        above = z > formulas.bound(p)
        codes = [each.mul_(above) for each in formulas.codes(p, z, ...)]  # what is NaN stays so
        residuals = [(each.to(low) @ atoms).float() - centred for each in codes]
        toward = [2 * (residual.to(low) @ atoms.T).float() for residual in residuals]
        slope, named = formulas.slopes(p, z, ..., toward)
        slope.mul_(above)
        pulled = (codes[0].to(low).T @ residuals[0].to(low)).float()
        gradients["encoder"].copy_((slope.to(low).T @ centred.to(low)).float()).div_(self.batch)
        along = (pulled * p.atoms).sum(-1, keepdim=True)
        torch.sub(pulled, along * p.atoms, out=gradients["atoms"]).mul_(2 / self.batch)
        gradients["bias"].copy_(2 * residuals[0].sum(0) - slope.sum(0) @ p.encoder).div_(self.batch)
        positive = codes[0][codes[0] > 0]
        least = float(positive.min()) if len(positive) else math.inf
        sums = {name: values.mul_(above).sum(0) for name, values in named.items()}
        error = float(residuals[0].square().sum())
        return _Found(error, len(positive), least, max(len(positive), int(above.sum())), sums)

    def _list(self, p: P, inputs: Float[Tensor, "B d"], gradients: dict[str, Tensor]) -> _Found:
        """Fill the gradients of one dictionary from the entries that are above their bounds."""
        assert self.workers is not None
        workers, formulas, atoms = self.workers, self.formulas, p.atoms.numpy()
        bound, (m, d) = formulas.bound(p), atoms.shape
        products, centred, ends = workers.products.numpy(), workers.centred.numpy(), np.array([m])

        def add(part: int) -> _Found:
            rows = workers.rows[part]
            torch.sub(inputs[rows], p.bias, out=workers.centred[rows])
            torch.mm(workers.centred[rows], p.encoder.T, out=workers.products[rows])
            n = rows.stop - rows.start
            starts = np.empty(n + 1, np.int64)
            excess, place = workers.value[part], workers.place[part]
            find_active(products[rows], -bound.numpy(), np.full(n, TINY, np.float32), place, excess, starts)
            own = workers.both[part], workers.shift[part], workers.outward[part]
            for total in own:
                total.fill(0)
            error, active, least, sums = 0.0, 0, math.inf, dict[str, Tensor]()
            for first in range(0, n, TILE):
                start = starts[first : first + TILE + 1]
                atom, x = place[start[0] : start[-1]], centred[rows][first : first + TILE]
                at = torch.from_numpy(atom)
                z = torch.from_numpy(excess[start[0] : start[-1]]) + bound[at]
                codes = torch.stack(formulas.codes(p, z, at))
                toward, residuals = torch.empty_like(codes), np.empty((len(codes), len(x), d), np.float32)
                error += _rebuild(atom, codes.numpy(), start - start[0], x, atoms, own[2], residuals, toward.numpy())
                slope, named = formulas.slopes(p, z, at, list(toward))
                listed = codes[0].numpy(), slope.numpy(), start - start[0]
                add_by_atom(atom, *listed, x, residuals[:1], ends, *own[:2])
                for name, values in named.items():
                    sums.setdefault(name, torch.zeros(m)).index_add_(0, at, values)
                positive = codes[0][codes[0] > 0]
                active, least = active + len(positive), min(least, float(positive.min()) if len(positive) else math.inf)
            return _Found(error, active, least, int(starts[-1]), sums)

        shift = torch.empty(m)

        def combine(part: int) -> None:
            columns = workers.columns[part]
            totals = (tensor.numpy() for tensor in (gradients["encoder"], gradients["atoms"], shift))
            combine_parts(columns.start, columns.stop, workers.both, workers.shift, atoms, *totals)

        found = workers.each(add, len(workers.rows))
        workers.each(combine, len(workers.columns))
        torch.sub(torch.from_numpy(workers.outward.sum(0)), shift @ p.encoder, out=gradients["bias"])
        for name in ("encoder", "atoms", "bias"):
            gradients[name].div_(self.batch)
        sums = {name: torch.stack([one.sums[name] for one in found]).sum(0) for name in found[0].sums}
        error, active = sum(one.error for one in found), sum(one.active for one in found)
        return _Found(error, active, min(one.least for one in found), sum(one.listed for one in found), sums)
