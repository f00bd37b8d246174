"""The gradients of a sparse autoencoder from its active codes alone, on the CPU.

Only the encoder product is dense. The rest, reconstruction and four gradients, runs over the active codes in compiled
loops, so its cost grows with L0 instead of with the size of the dictionary. The rows of a batch are split into parts
that threads share; the parts depend on the batch alone, so the number of threads does not change a sum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.learning.compiled import compiled

EPSILON = 1e-3  # keeps the slope of f^power finite where a code is just above zero and power < 1
ROWS = 1024  # of a part at least: each part adds up gradients of its own, which costs as much as some hundred rows
PARTS = 8  # at most
TILE = 512  # rows whose active codes are sorted by atom together: their inputs and residuals stay in a core's cache
CACHED = 2**17  # numbers that stay there too
TINY = float(np.finfo(np.float32).tiny)

_T = TypeVar("_T")


@compiled
def find_active(products, shift, least, place, value, start):  # type: ignore[no-untyped-def]
    """List the active codes of all rows: atoms in `place`, codes in `value`, those of row i from `start[i]` on.

    Codes are `products` [n, m] of the encoder plus their bias `shift` [m], active from `least` [n] on, or if NaN: that
    must not go unseen.
    """
    n, m = products.shape
    flags = np.empty(m, np.uint8)
    end = start[0] = 0
    for i in range(n):
        product, bound = products[i], least[i]
        for j in range(m):
            flags[j] = not product[j] + shift[j] < bound
        for j in range(m):  # without a branch: the slot after the last active code is overwritten until one is active
            place[end] = j
            end += flags[j]
        for a in range(start[i], end):
            value[a] = product[place[a]] + shift[place[a]]
        start[i + 1] = end


@compiled
def add_rows(target, weights, places, table):  # type: ignore[no-untyped-def]
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


@compiled
def dots(found, vector, places, table):  # type: ignore[no-untyped-def]
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


@compiled
def add_by_atom(place, value, slope, start, inputs, residuals, ends, both, shift_gradient):  # type: ignore[no-untyped-def]
    """Add to every atom's rows of `both` what its codes pull: inputs by `slope`, residuals by `value`.

    Codes are listed row by row as `find_active` does; they are sorted by atom first, so that rows of `both` are written
    once.
    Of `residuals` [p, n, d] an atom takes the first whose entry in `ends` [p] it lies before.
    """
    n, m, count = len(inputs), len(both), len(place)
    row, sorted_value, sorted_slope = (
        np.empty(count, np.int32),
        np.empty(count, np.float32),
        np.empty(count, np.float32),
    )
    end = np.zeros(m + 1, np.int64)
    for a in range(count):
        end[place[a] + 1] += 1
    for j in range(m):
        end[j + 1] += end[j]
    for i in range(n):  # from here on end[j] runs from the start of atom j to its end
        for a in range(start[i], start[i + 1]):
            at = end[place[a]]
            row[at], sorted_value[at], sorted_slope[at] = i, value[a], slope[a]
            end[place[a]] = at + 1
    begin = g = 0
    for j in range(m):
        stop = end[j]
        while j >= ends[g]:
            g += 1
        for a in range(begin, stop):
            shift_gradient[j] += sorted_slope[a]
        add_rows(both[j, 0], sorted_slope[begin:stop], row[begin:stop], inputs)
        add_rows(both[j, 1], sorted_value[begin:stop], row[begin:stop], residuals[g])
        begin = stop


@compiled
def _add_gradients(place, value, push, start, inputs, atoms, ends, tile, share, both, shift_gradient, outward):  # type: ignore[no-untyped-def]
    """Add up the gradients that samples give, `inputs` [n, d] (centred), and return the sum of |r|^2.

    Active codes are listed as `find_active` does; `push` is what the penalty adds to the slope of each. `share` is 1
    over the size of the whole batch, a factor of every gradient: those of the encoder and of the atoms lie side by side
    in `both` [m, 2, d], because they are written together; `outward` [d] is that of the residual.

    The atoms before each of `ends` [p] rebuild by themselves, and |r|^2 is the mean over these prefixes. What moves an
    atom is then the sum of the residuals of the prefixes that it is in.
    """
    n, d = inputs.shape
    prefixes = len(ends)
    factor = np.float32(2) * share / np.float32(prefixes)
    most = 0
    for first in range(0, n, tile):
        most = max(most, start[min(first + tile, n)] - start[first])
    slope, residuals = np.empty(most, np.float32), np.empty((prefixes, tile, d), np.float32)
    bounds = np.empty(prefixes + 1, np.int64)
    error = 0.0
    for first in range(0, n, tile):
        rows, offset = min(tile, n - first), start[first]
        tile_inputs = inputs[first : first + rows]
        for i in range(rows):
            begin, stop = start[first + i], start[first + i + 1]
            bounds[0] = at = begin
            for g in range(prefixes):
                while at < stop and place[at] < ends[g]:
                    at += 1
                bounds[g + 1] = at
                residual = residuals[g, i]
                for q in range(d):
                    residual[q] = -tile_inputs[i, q] if g == 0 else residuals[g - 1, i, q]
                add_rows(residual, value[bounds[g] : at], place[bounds[g] : at], atoms)
            squares = np.float32(0)
            for g in range(prefixes - 1, -1, -1):
                residual = residuals[g, i]
                for q in range(d):
                    squares += residual[q] * residual[q]
                    residual[q] *= factor
                if g < prefixes - 1:
                    for q in range(d):
                        residual[q] += residuals[g + 1, i, q]
                low, high = bounds[g], bounds[g + 1]
                dots(slope[low - offset : high - offset], residual, place[low:high], atoms)
            for q in range(d):
                outward[q] += residuals[0, i, q]
            error += float(squares) / prefixes
            for a in range(begin, stop):
                slope[a - offset] += push[a]
        last = start[first + rows]
        found = place[offset:last], value[offset:last], slope[: last - offset]
        add_by_atom(
            *found, start[first : first + rows + 1] - offset, tile_inputs, residuals, ends, both, shift_gradient
        )
    return error


@compiled
def combine_parts(first, last, both, shifts, atoms, encoder_gradient, atom_gradient, shift_gradient):  # type: ignore[no-untyped-def]
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


@dataclass(frozen=True)
class Cut:
    """Which codes are active: those above zero, or the largest of them."""

    keep: int | None = None
    """So many in every row; None: all."""
    together: bool = False
    """So many times the rows in the whole batch, instead of in every row."""
    guess: float = 0.0
    """About where the batch, or the row with the least code, was cut before: if it is near, finding the place is
    quicker."""


@dataclass(frozen=True)
class Filled:
    """What one dictionary's gradients were computed from, summed over the batch."""

    error: float
    active: int
    least: float
    """The least active code, infinity where none is."""


class SparseGradients:
    """Buffers and threads of the sparse way, for one dictionary of `size` atoms in `d` dimensions at a time."""

    def __init__(self, batch: int, size: int, d: int) -> None:
        parts = parts_of(batch)
        self.rows, self.columns = _ranges(batch, parts), _ranges(size, parts)
        self.centred, self.products = torch.empty(batch, d), torch.empty(batch, size)
        self.both = np.empty((parts, size, 2, d), dtype=np.float32)
        self.shift, self.outward = np.empty((parts, size), np.float32), np.empty((parts, d), np.float32)
        slots = max(rows.stop - rows.start for rows in self.rows) * size + 1
        # room for all codes; memory that is never written costs nothing
        self.place, self.value = np.empty((parts, slots), np.int32), np.empty((parts, slots), np.float32)
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
        cut: Cut,
        ends: Sequence[int],
        penalty: float,
        power: float,
    ) -> Filled:
        """Write the gradients of one dictionary; both sequences hold encoder, atoms, encoder bias and bias.

        `ends` are those of the prefixes that rebuild by themselves, the last one being the number of atoms.
        """
        encoder, atoms, shift, bias = parameters
        products, centred = self.products.numpy(), self.centred.numpy()
        share, prefixes = np.float32(1 / len(products)), np.array(ends, dtype=np.int64)

        def project(part: int) -> None:
            rows = self.rows[part]
            torch.sub(inputs[rows], bias, out=self.centred[rows])
            torch.mm(self.centred[rows], encoder.T, out=self.products[rows])

        def add(part: int) -> tuple[float, int, float]:
            rows = self.rows[part]
            if together is None:
                project(part)
                least = least_kept(products[rows], cut.keep, shift.numpy(), cut.guess)
            else:
                least = np.full(rows.stop - rows.start, together, np.float32)
            start = np.empty(rows.stop - rows.start + 1, np.int64)
            find_active(products[rows], shift.numpy(), least, self.place[part], self.value[part], start)
            active = int(start[-1])
            place, value = self.place[part, :active], self.value[part, :active]
            push = _push(value, penalty, power) * share
            sums = self.both[part], self.shift[part], self.outward[part]
            for total in sums:
                total.fill(0)
            error = _add_gradients(
                place, value, push, start, centred[rows], atoms.numpy(), prefixes, TILE, share, *sums
            )
            return float(error), active, float(value.min()) if active else np.inf

        def combine(part: int) -> None:
            columns = self.columns[part]
            totals = (gradient.numpy() for gradient in gradients[:3])
            combine_parts(columns.start, columns.stop, self.both, self.shift, atoms.numpy(), *totals)

        together = None
        if cut.together and cut.keep is not None:
            self.each(project, len(self.rows))
            together = least_of_all(products, cut.keep * len(products), shift.numpy(), cut.guess)
        found = self.each(add, len(self.rows))
        self.each(combine, len(self.columns))
        torch.sub(torch.from_numpy(self.outward.sum(0)), gradients[2] @ encoder, out=gradients[3])
        return Filled(
            sum(error for error, _, _ in found),
            sum(active for _, active, _ in found),
            min(least for _, _, least in found),
        )

    def each(self, work: Callable[[int], _T], count: int) -> list[_T]:
        """`work` of 0 to `count` - 1, shared among the threads."""
        return list(map(work, range(count)) if self.pool is None else self.pool.map(work, range(count)))


def _push(codes: Float[np.ndarray, " a"], penalty: float, power: float) -> Float[np.ndarray, " a"]:
    """The slope of penalty * code^power."""
    if power == 1:
        return np.full(len(codes), penalty, np.float32)
    # numpy takes powers with vector instructions, the compiled loops do not
    return np.float32(penalty * power) * np.power(codes + np.float32(EPSILON), np.float32(power - 1))


def _ranges(length: int, parts: int) -> list[slice]:
    return [slice(start, end) for start, end in pairwise(length * part // parts for part in range(parts + 1))]


def least_kept(
    products: Float[np.ndarray, "n m"],
    keep: int | None,
    shift: Float[np.ndarray, " m"] | float = 0.0,
    guess: float = 0.0,
) -> Float[np.ndarray, " n"]:
    """The value from which on a code is active, a number for each row: the `keep`-th largest, but above zero.

    Codes are `products` + `shift`. With a `guess` at the least of these values only codes above it are sorted.
    """
    n, m = products.shape
    least = np.full(n, TINY, dtype=np.float32)
    if keep is not None and keep < m:
        _least_kept(products, np.full(m, shift, np.float32) if isinstance(shift, float) else shift, keep, guess, least)
    return least


@compiled
def _least_kept(products, shift, keep, guess, least):  # type: ignore[no-untyped-def]
    n, m = products.shape
    found = np.empty(m + 1, np.float32)
    for i in range(n):
        product, count, bound = products[i], 0, np.float32(guess)
        while True:
            count = 0
            for j in range(m):  # without a branch: the slot after the last one above is overwritten
                found[count] = product[j] + shift[j]
                count += found[count] > bound
            if count >= keep or bound <= 0:
                break
            bound = np.float32(0)
        if count >= keep:
            least[i] = max(_largest(found, count, keep), least[i])


@compiled
def _largest(values, count, rank):  # type: ignore[no-untyped-def]
    """The `rank`-th largest of the first `count` values, which are reordered (Hoare 1961, algorithm 65)."""
    low, high, wanted = 0, count - 1, rank - 1
    while low < high:
        pivot, i, j = values[(low + high) // 2], low, high
        while i <= j:
            while values[i] > pivot:
                i += 1
            while values[j] < pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i, j = i + 1, j - 1
        if wanted <= j:
            high = j
        elif wanted >= i:
            low = i
        else:
            break
    return values[wanted]


NEAR = 0.8
"""The share of a guess above which codes are looked for first."""


def least_of_all(
    products: Float[np.ndarray, "n m"], count: int, shift: Float[np.ndarray, " m"] | float = 0.0, guess: float = 0.0
) -> float:
    """The least of the `count` largest codes of all rows that are above zero.

    Codes are `products` + `shift`. With a `guess` at that value only codes near it or above are sorted.
    """
    for bound in (NEAR * guess, 0.0):
        found = _above(products, shift, np.float32(bound))
        if len(found) >= count:
            break
    if not len(found):
        return TINY
    at = max(0, len(found) - count)
    return float(np.partition(found, at)[at])


def _above(
    products: Float[np.ndarray, "n m"], shift: Float[np.ndarray, " m"] | float, bound: np.float32
) -> Float[np.ndarray, " a"]:
    """The codes above `bound`, block by block."""
    n, m = products.shape
    rows = max(1, CACHED // m)
    found = []
    for start in range(0, n, rows):
        codes = products[start : start + rows] + shift
        found.append(codes[codes > bound])
    return np.concatenate(found)
