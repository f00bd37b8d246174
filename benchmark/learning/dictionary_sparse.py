"""The gradients of a sparse autoencoder from its active codes alone, on the CPU.

Only the encoder product is dense. The rest, reconstruction and four gradients, runs over the active codes in compiled
loops, so its cost grows with L0 instead of with the size of the dictionary. The rows of a batch are split into parts
that threads share; the parts depend on the batch alone, so the number of threads does not change a sum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TypeVar

import numba
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

EPSILON = 1e-3  # keeps the slope of f^power finite where a code is just above zero and power < 1
ROWS = 1024  # of a part at least: each part adds up gradients of its own, which costs as much as some hundred rows
PARTS = 8  # at most
TILE = 512  # rows whose active codes are sorted by atom together: their inputs and residuals stay in a core's cache
CACHED = 2**17  # numbers that stay there too
TINY = float(np.finfo(np.float32).tiny)

# Sums may be taken in any order, which lets the loops use vector instructions; NaN keeps its meaning.
_compiled = numba.njit(nogil=True, fastmath={"reassoc", "contract", "nsz"}, error_model="numpy")
_T = TypeVar("_T")


@_compiled
def _find(product, shift, bound, flags, place, value, total):  # type: ignore[no-untyped-def]
    """Append places and values of a row's active codes; a NaN counts as active, so that it does not go unseen."""
    m = len(product)
    for j in range(m):
        flags[j] = not product[j] + shift[j] < bound
    end = total
    for j in range(m):  # without a branch: the slot after the last active code is overwritten until one is active
        place[end] = j
        end += flags[j]
    for a in range(total, end):
        value[a] = product[place[a]] + shift[place[a]]
    return end


@_compiled
def _add_rows(target, weights, places, table):  # type: ignore[no-untyped-def]
    """Add `weights[a] * table[places[a]]` of all a to `target`, four at a time to write it less often."""
    count, d = len(places), len(target)
    for a in range(0, count - 3, 4):
        one, two, three, four = table[places[a]], table[places[a + 1]], table[places[a + 2]], table[places[a + 3]]
        w1, w2, w3, w4 = weights[a], weights[a + 1], weights[a + 2], weights[a + 3]
        for q in range(d):
            target[q] += w1 * one[q] + w2 * two[q] + w3 * three[q] + w4 * four[q]
    for a in range(count - count % 4, count):
        one, w1 = table[places[a]], weights[a]
        for q in range(d):
            target[q] += w1 * one[q]


@_compiled
def _dots(found, vector, places, table):  # type: ignore[no-untyped-def]
    """Set `found[a]` to the product of `vector` and `table[places[a]]`, four at a time to read it less often."""
    count, d = len(places), len(vector)
    for a in range(0, count - 3, 4):
        one, two, three, four = table[places[a]], table[places[a + 1]], table[places[a + 2]], table[places[a + 3]]
        s1 = s2 = s3 = s4 = np.float32(0)
        for q in range(d):
            s1 += vector[q] * one[q]
            s2 += vector[q] * two[q]
            s3 += vector[q] * three[q]
            s4 += vector[q] * four[q]
        found[a], found[a + 1], found[a + 2], found[a + 3] = s1, s2, s3, s4
    for a in range(count - count % 4, count):
        one = table[places[a]]
        s1 = np.float32(0)
        for q in range(d):
            s1 += vector[q] * one[q]
        found[a] = s1


@_compiled
def _part(products, shift, least, inputs, atoms, penalty, power, tile, share, both, shift_gradient, outward):  # type: ignore[no-untyped-def]
    """Add up the gradients that samples give, `inputs` [n, d] (centred); return |r|^2 and the number of active codes.

    Codes are `products` [n, m] of the encoder plus their bias `shift` [m], active from `least` [n] on. `share` is 1
    over the size of the whole batch, a factor of every gradient: those of the encoder and of the atoms lie side by side
    in `both` [m, 2, d], because they are written together; `outward` [d] is that of the residual.
    """
    n, m = products.shape
    d = inputs.shape[1]
    size = tile * m + 1  # were all codes active; memory that is never written costs nothing
    place, value, slope = np.empty(size, np.int32), np.empty(size, np.float32), np.empty(size, np.float32)
    row, sorted_value, sorted_slope = np.empty(size, np.int32), np.empty(size, np.float32), np.empty(size, np.float32)
    residuals = np.empty((tile, d), np.float32)
    flags, start, end = np.empty(m, np.uint8), np.empty(tile + 1, np.int64), np.empty(m + 1, np.int64)
    error, active = 0.0, 0
    for first in range(0, n, tile):
        rows = min(tile, n - first)
        tile_inputs = inputs[first : first + rows]
        start[0] = 0
        end[:] = 0
        for i in range(rows):
            begin = start[i]
            stop = _find(products[first + i], shift, least[first + i], flags, place, value, begin)
            start[i + 1] = stop
            residual = residuals[i]
            for q in range(d):
                residual[q] = -tile_inputs[i, q]
            _add_rows(residual, value[begin:stop], place[begin:stop], atoms)
            squares = np.float32(0)
            for q in range(d):
                squares += residual[q] * residual[q]
                residual[q] *= np.float32(2) * share
                outward[q] += residual[q]
            error += float(squares)
            _dots(slope[begin:stop], residual, place[begin:stop], atoms)
            for a in range(begin, stop):
                if power == 1:
                    slope[a] += penalty * share
                else:
                    slope[a] += penalty * share * power * (value[a] + np.float32(EPSILON)) ** (power - np.float32(1))
                end[place[a] + 1] += 1
        active += start[rows]
        for j in range(m):
            end[j + 1] += end[j]
        for i in range(rows):  # from here on end[j] runs from the start of atom j to its end
            for a in range(start[i], start[i + 1]):
                at = end[place[a]]
                row[at], sorted_value[at], sorted_slope[at] = i, value[a], slope[a]
                end[place[a]] = at + 1
        begin = 0
        for j in range(m):
            stop = end[j]
            for a in range(begin, stop):
                shift_gradient[j] += sorted_slope[a]
            _add_rows(both[j, 0], sorted_slope[begin:stop], row[begin:stop], tile_inputs)
            _add_rows(both[j, 1], sorted_value[begin:stop], row[begin:stop], residuals)
            begin = stop
    return error, active


@_compiled
def _combine(first, last, both, shifts, atoms, encoder_gradient, atom_gradient, shift_gradient):  # type: ignore[no-untyped-def]
    """Sum over the parts for the atoms `first` to `last`; an atom's gradient loses its part along the atom."""
    parts, d = both.shape[0], both.shape[3]
    for j in range(first, last):
        encoder_row, atom_row, atom = encoder_gradient[j], atom_gradient[j], atoms[j]
        encoder_row[:] = both[0, j, 0]
        atom_row[:] = both[0, j, 1]
        shift_gradient[j] = shifts[0, j]
        for part in range(1, parts):
            encoder_part, atom_part = both[part, j, 0], both[part, j, 1]
            shift_gradient[j] += shifts[part, j]
            for q in range(d):
                encoder_row[q] += encoder_part[q]
                atom_row[q] += atom_part[q]
        along = np.float32(0)
        for q in range(d):
            along += atom_row[q] * atom[q]
        for q in range(d):
            atom_row[q] -= along * atom[q]


def parts_of(batch: int) -> int:
    """Into how many parts a batch is split."""
    return max(1, min(PARTS, batch // ROWS))


class SparseGradients:
    """Buffers and threads of the sparse way, for one dictionary of `size` atoms in `d` dimensions at a time."""

    def __init__(self, batch: int, size: int, d: int) -> None:
        parts = parts_of(batch)
        self.rows, self.columns = _ranges(batch, parts), _ranges(size, parts)
        self.centred, self.products = torch.empty(batch, d), torch.empty(batch, size)
        self.both = np.empty((parts, size, 2, d), dtype=np.float32)
        self.shift, self.outward = np.empty((parts, size), np.float32), np.empty((parts, d), np.float32)
        workers = min(parts, torch.get_num_threads())
        # threads inside a product would wait for each other on the cores that the workers have
        self.pool = (
            ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) if workers > 1 else None
        )

    def fill(
        self,
        inputs: Float[Tensor, "B d"],
        parameters: Sequence[Tensor],
        gradients: Sequence[Tensor],
        *,
        keep: int | None,
        penalty: float,
        power: float,
    ) -> tuple[float, int]:
        """Write the gradients of one dictionary; both sequences hold encoder, atoms, encoder bias and bias.

        Returns the squared error and the number of active codes, summed over the batch.
        """
        encoder, atoms, shift, bias = parameters
        products, centred = self.products.numpy(), self.centred.numpy()
        numbers = np.float32(penalty), np.float32(power), TILE, np.float32(1 / len(products))

        def add(part: int) -> tuple[float, int]:
            rows = self.rows[part]
            torch.sub(inputs[rows], bias, out=self.centred[rows])
            torch.mm(self.centred[rows], encoder.T, out=self.products[rows])
            least = least_kept(products[rows], keep, shift.numpy())
            sums = self.both[part], self.shift[part], self.outward[part]
            for total in sums:
                total.fill(0)
            error, active = _part(products[rows], shift.numpy(), least, centred[rows], atoms.numpy(), *numbers, *sums)
            return float(error), int(active)

        def combine(part: int) -> None:
            columns = self.columns[part]
            totals = (gradient.numpy() for gradient in gradients[:3])
            _combine(columns.start, columns.stop, self.both, self.shift, atoms.numpy(), *totals)

        found = self._each_part(add)
        self._each_part(combine)
        torch.sub(torch.from_numpy(self.outward.sum(0)), gradients[2] @ encoder, out=gradients[3])
        return sum(error for error, _ in found), sum(active for _, active in found)

    def _each_part(self, work: Callable[[int], _T]) -> list[_T]:
        parts = range(len(self.rows))
        return list(map(work, parts) if self.pool is None else self.pool.map(work, parts))


def _ranges(length: int, parts: int) -> list[slice]:
    return [slice(start, end) for start, end in pairwise(length * part // parts for part in range(parts + 1))]


def least_kept(
    products: Float[np.ndarray, "n m"], keep: int | None, shift: Float[np.ndarray, " m"] | float = 0.0
) -> Float[np.ndarray, " n"]:
    """The value from which on a code is active, a number for each row: the `keep`-th largest, but above zero.

    Codes are `products` + `shift`.
    """
    n, m = products.shape
    if keep is None or keep >= m:
        return np.full(n, TINY, dtype=np.float32)
    least = np.empty(n, dtype=np.float32)
    codes = np.empty((min(n, max(1, CACHED // m)), m), dtype=np.float32)
    for start in range(0, n, len(codes)):
        block = codes[: n - start]
        np.add(products[start : start + len(block)], shift, out=block)
        block.partition(m - keep, axis=1)  # with vector instructions, several times faster than torch.topk on a CPU
        least[start : start + len(block)] = block[:, m - keep]
    return np.maximum(least, np.float32(TINY))
