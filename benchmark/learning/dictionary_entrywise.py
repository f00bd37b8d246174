"""A fast backend for rules that ask every entry of z = E (x - b) apart: gates, thresholds.

    f = f(z, what atom j has)      one or more codes of every entry, each rebuilding x:      r = f D + b - x
    L = mean_x sum over codes of |r|^2 + whatever the entries say                     of which atoms and b learn by the
                                                                                      first code alone

A rule says in `Entrywise` which entries can have a code or a slope at all; the rest of the formulas runs over these,
as in `dictionary_sparse`, the encoder product alone being dense. While many of them do, as at the beginning of a
training, gradients come from autograd.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from benchmark.learning.compiled import compiled
from benchmark.learning.dictionary_autograd import AutogradStep
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

SPARSE_BELOW = 0.2  # share of listed entries under which this way is faster than autograd, as measured
SPARSE_FROM = 2**16  # entries of a batch under which the gain does not pay for a second of compiling

P_contra = TypeVar("P_contra", bound=Autoencoder, contravariant=True)

Entries = Float[np.ndarray, " a"]
Atoms = Int[np.ndarray, " a"]


class Entrywise(Protocol[P_contra]):
    """The formulas of a rule for listed entries of z, each given with the number of its atom."""

    def bound(self, p: P_contra) -> Float[Tensor, " m"]:
        """Entries of an atom that are not above it have neither a code nor a slope."""

    def codes(self, p: P_contra, z: Entries, atom: Atoms) -> Float[np.ndarray, "v a"]:
        """The codes of every entry; the first are those of the dictionary."""

    def slopes(
        self, p: P_contra, z: Entries, atom: Atoms, toward: Float[np.ndarray, "v a"]
    ) -> tuple[Entries, dict[str, Entries]]:
        """What an entry adds to the gradient of a sample's objective, where that along its codes is `toward`.

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


class EntrywiseStep:
    """The backend of a rule that has `Entrywise` formulas as well; made by `entrywise`."""

    def __init__(self, rule: Rule[P], formulas: Entrywise[P], p: P, batch: int) -> None:
        self.p, self.formulas, self.batch = p, formulas, batch
        self.autograd = AutogradStep(rule, p)
        k, m, d = p.encoder.shape
        self.workers = SparseGradients(batch, m, d)
        self.share = 1.0
        """Of the entries that were listed in the last step, or that had a code."""
        self.was_sparse = False
        self.cut_at = torch.zeros(k)

    @property
    def sparse(self) -> bool:
        """Whether the next step lists entries, or leaves the gradients to autograd."""
        return self.share < SPARSE_BELOW

    @property
    def torch_threads(self) -> int:
        """1 where entries are listed, which has its own threads."""
        return 1 if self.sparse else torch.get_num_threads()

    def gradients(self, inputs: Float[Tensor, "k B d"], targets: Float[Tensor, "k B d"]) -> Measured:
        """Fill `.grad` of the trained tensors with the gradient of the objective at `inputs`, the targets too."""
        if targets is not inputs:
            raise ValueError("got targets other than the inputs, expected an autoencoder: offer no backend for others")
        self.was_sparse = self.sparse
        if not self.was_sparse:
            measured = self.autograd.gradients(inputs, targets)
            self.share = float(measured.l0.mean()) / self.p.atoms.shape[1]
            return measured
        self.autograd.inputs = inputs
        for tensor in self.p.trained().values():
            tensor.grad = torch.empty_like(tensor) if tensor.grad is None else tensor.grad
        found = [self._one(index, x) for index, x in enumerate(inputs)]
        self.share = max(listed for *_, listed in found) / self.p.atoms.shape[1]
        error, l0, least, _ = (torch.tensor(numbers) for numbers in zip(*found, strict=True))
        self.cut_at = torch.where(least.isfinite(), least, 0.0)
        return Measured(error, l0)

    def codes(self) -> Iterator[Float[Tensor, "B m"]]:
        """Codes of the last inputs with the parameters as they are now."""
        return self.autograd.codes()

    def least(self) -> Float[Tensor, " k"]:
        """The least code that was active in the last step, 0 where none was."""
        return self.cut_at if self.was_sparse else self.autograd.least()

    def _one(self, index: int, inputs: Float[Tensor, "B d"]) -> tuple[float, float, float, float]:
        """Fill the gradients of one dictionary; error, codes and listed entries a sample, and the least code."""
        p, workers, formulas = self.p.one(index), self.workers, self.formulas
        grads = {name: tensor.grad[index] for name, tensor in self.p.trained().items() if tensor.grad is not None}
        bound, atoms = formulas.bound(p), p.atoms.numpy()
        m, d = atoms.shape
        products, centred, ends = workers.products.numpy(), workers.centred.numpy(), np.array([m])

        def add(part: int) -> tuple[float, int, float, int, dict[str, np.ndarray]]:
            rows = workers.rows[part]
            torch.sub(inputs[rows], p.bias, out=workers.centred[rows])
            torch.mm(workers.centred[rows], p.encoder.T, out=workers.products[rows])
            n = rows.stop - rows.start
            starts = np.empty(n + 1, np.int64)
            above, place = workers.value[part], workers.place[part]
            find_active(products[rows], -bound.numpy(), np.full(n, TINY, np.float32), place, above, starts)
            for total in (workers.both[part], workers.shift[part], workers.outward[part]):
                total.fill(0)
            error, active, least, sums = 0.0, 0, np.inf, dict[str, np.ndarray]()
            for first in range(0, n, TILE):
                start = starts[first : first + TILE + 1]
                listed = slice(start[0], start[-1])
                atom, x = place[listed], centred[rows][first : first + TILE]
                z = above[listed] + bound.numpy()[atom]
                codes = formulas.codes(p, z, atom)
                residuals, toward = np.empty((len(codes), len(x), d), np.float32), np.empty_like(codes)
                error += _rebuild(atom, codes, start - start[0], x, atoms, workers.outward[part], residuals, toward)
                slope, named = formulas.slopes(p, z, atom, toward)
                own = (workers.both[part], workers.shift[part])
                add_by_atom(atom, codes[0], slope, start - start[0], x, residuals[:1], ends, *own)
                for name, values in named.items():
                    sums[name] = sums.get(name, 0) + np.bincount(atom, values, m)
                positive = codes[0][codes[0] > 0]
                active, least = active + len(positive), min(least, positive.min(initial=np.inf))
            return error, active, float(least), int(starts[-1]), sums

        shift = torch.empty(m)

        def combine(part: int) -> None:
            columns = workers.columns[part]
            totals = (tensor.numpy() for tensor in (grads["encoder"], grads["atoms"], shift))
            combine_parts(columns.start, columns.stop, workers.both, workers.shift, atoms, *totals)

        found = workers.each(add, len(workers.rows))
        workers.each(combine, len(workers.columns))
        torch.sub(torch.from_numpy(workers.outward.sum(0)), shift @ p.encoder, out=grads["bias"])
        for name in ("encoder", "atoms", "bias"):
            grads[name].div_(self.batch)
        l0 = sum(active for _, active, *_ in found) / self.batch
        names = found[0][-1]
        means = {
            name: torch.from_numpy(sum(sums[name] for *_, sums in found) / self.batch).to(torch.float32)
            for name in names
        }
        for name, gradient in formulas.gradients(p, means, l0).items():
            grads[name].copy_(gradient)
        listed = sum(number for *_, number, _ in found) / self.batch
        return sum(error for error, *_ in found) / self.batch, l0, min(least for _, _, least, *_ in found), listed


def entrywise(rule: Rule[P], formulas: Entrywise[P], p: P, batch: int, dtype: torch.dtype) -> EntrywiseStep | None:
    """The fast backend, where it pays: on a CPU, in single precision, for batches of many entries."""
    plain = p.encoder.device.type == "cpu" and dtype == torch.float32
    return EntrywiseStep(rule, formulas, p, batch) if plain and batch * p.atoms.shape[1] >= SPARSE_FROM else None
