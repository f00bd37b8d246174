"""A fast backend for matching pursuit: the gradients of |r_T|^2 through the products, written out by hand.

    r_0 = x - b,      c_t = r_t.a / |a|^2 for the atom a most along r_t, if it is along it,      r_{t+1} = r_t - c_t a

Going back from g_T = 2 r_T, every round gives its atom  -c_t g_{t+1} - s r_t  and leaves  g_t = g_{t+1} - s a,  with
s = g_{t+1}.a / |a|^2;  b gets -g_0. Which atom is taken has no slope, and rows of the atoms keep unit norm.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.learning.compiled import compiled
from benchmark.learning.rules import Measured, P, Rule


@compiled
def _take(products, squares, atoms, residuals, place, taken):  # type: ignore[no-untyped-def]
    """Each row's best atom into `place` [n], -1 for none, its code into `taken` [n]; `residuals` [2, n, d]: next ones.

    What is NaN is taken: it must not go unseen.
    """
    n, m = products.shape
    lengths = np.sqrt(squares)
    for i in range(n):
        best, most, product = -1, np.float32(0), products[i]
        for j in range(m):
            along = product[j] / lengths[j]
            if not along <= most:
                best, most = j, along
                if along != along:
                    break
        code = product[best] / squares[best] if best >= 0 else np.float32(0)
        place[i], taken[i] = best, code
        for q in range(residuals.shape[2]):
            residuals[1, i, q] = residuals[0, i, q] - code * atoms[best, q]


@compiled
def _go_back(residuals, squares, atoms, place, taken, factor, atom_gradient, bias_gradient):  # type: ignore[no-untyped-def]
    """Add up the gradients of all rows, `factor` times the sum of squares being what is descended."""
    rounds, n = place.shape
    d = atoms.shape[1]
    g = np.empty(d, np.float32)
    for i in range(n):
        for q in range(d):
            g[q] = 2 * factor * residuals[rounds, i, q]
        for t in range(rounds - 1, -1, -1):
            j = place[t, i]
            if j < 0:
                continue
            atom, code, before, own = atoms[j], taken[t, i], residuals[t, i], atom_gradient[j]
            s = np.float32(0)
            for q in range(d):
                s += g[q] * atom[q]
            s /= squares[j]
            for q in range(d):
                own[q] -= code * g[q] + s * before[q]
                g[q] -= s * atom[q]
        for q in range(d):
            bias_gradient[q] -= g[q]


@compiled
def _summed(place, taken):  # type: ignore[no-untyped-def]
    """How many atoms the rows use, and the least of their codes: an atom that is taken again adds to its code."""
    rounds, n = place.shape
    active, least = 0, np.float32(np.inf)
    for i in range(n):
        for t in range(rounds):
            again, code = False, np.float32(0)
            for other in range(rounds):
                if place[other, i] == place[t, i]:
                    again |= other < t
                    code += taken[other, i]
            if place[t, i] >= 0 and not again:
                active, least = active + 1, min(least, code)
    return active, least


class PursuitStep(Generic[P]):
    """The backend, on the CPU, of a rule whose codes are those of matching pursuit and whose objective is |r_T|^2."""

    workers = None

    def __init__(self, rule: Rule[P], p: P) -> None:
        self.rule, self.p = rule, p
        self.inputs = torch.empty(0)
        self.cut_at = torch.zeros(len(p.atoms))

    @property
    def torch_threads(self) -> int:
        """As many as it has."""
        return torch.get_num_threads()

    def gradients(self, inputs: Float[Tensor, "k B d"], targets: Float[Tensor, "k B d"]) -> Measured:
        """Fill `.grad` of atoms and bias with the gradient of the mean |r_T|^2 at `inputs`, the targets too."""
        if targets is not inputs:
            raise ValueError("got targets other than the inputs, expected an autoencoder: offer no backend for others")
        self.inputs = inputs
        p, k = self.p, len(inputs)
        gradients = p.atoms.grad, p.bias.grad = torch.zeros_like(p.atoms), torch.zeros_like(p.bias)
        error, active = torch.empty(k), torch.empty(k)
        for index in range(k):
            error[index], active[index], self.cut_at[index] = self._fill(index, *(of[index] for of in gradients))
        along = (gradients[0] * p.atoms).sum(-1, keepdim=True)
        gradients[0].addcmul_(along, p.atoms, value=-1)
        return Measured(error, active)

    def codes(self) -> Iterator[Float[Tensor, "B m"]]:
        """Codes of the last inputs, one dictionary after the other, with the parameters as they are now."""
        for index, inputs in enumerate(self.inputs):
            with torch.no_grad():
                yield self.rule.encode_batch(self.p.one(index), inputs)

    def least(self) -> Float[Tensor, " k"]:
        """The least code that was active in the last step, 0 where none was."""
        return self.cut_at.where(self.cut_at.isfinite(), 0.0)

    def _fill(
        self, index: int, atom_gradient: Float[Tensor, "m d"], bias_gradient: Float[Tensor, " d"]
    ) -> tuple[float, float, float]:
        """Add the gradients of one dictionary; mean error and number of codes of a row, and the least code."""
        p, x = self.p, self.inputs[index]
        atoms, rounds, (n, d) = p.atoms[index], int(p.asked[index]), x.shape
        squares = atoms.square().sum(1).clamp(min=1e-12).numpy()
        residuals = torch.empty(rounds + 1, n, d)
        torch.sub(x, p.bias[index], out=residuals[0])
        place, taken = np.empty((rounds, n), np.int64), np.empty((rounds, n), np.float32)
        for t in range(rounds):
            products = residuals[t] @ atoms.T
            _take(products.numpy(), squares, atoms.numpy(), residuals[t : t + 2].numpy(), place[t], taken[t])
        gradients = atom_gradient.numpy(), bias_gradient.numpy()
        _go_back(residuals.numpy(), squares, atoms.numpy(), place, taken, np.float32(1 / n), *gradients)
        active, least = _summed(place, taken)
        return float(residuals[-1].square().sum()) / n, active / n, float(least)
