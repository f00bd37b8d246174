"""Evidence that the language model keeps a board and uses it: linear read-out, and interventions on it.

    probe = fit_probe(activations, boards)             linear map to mine / empty / yours of every square, closed form
    flip_errors(model, place, ...)                     move the activations to a board with one disc turned over
    patch_errors(model, place, ...)                    put another game's activations in at the same ply

Interventions are judged as by Li et al. 2023 (arXiv:2210.13382): of the N legal moves after the change, how many are
missing among the model's N most probable tokens, and how many others stand there instead (each counts one error).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Int8
from torch import Tensor

from tasks.models.othello.gpt import OthelloGPT
from tasks.models.othello.labels import legal_labels, positions, unpacked
from tasks.models.othello.readings import AT_ONCE, activations_at
from tasks.models.othello.rules import rules

CLASSES = (1, 0, -1)
"""Mine, empty, yours: the values of a board label, in the order of the probe's classes."""


@dataclass(frozen=True)
class Probe:
    """A linear read-out of the board."""

    mean: Float[Tensor, " d"]
    weight: Float[Tensor, "d classes squares"]
    bias: Float[Tensor, "classes squares"]

    def boards(self, activations: Float[Tensor, "n d"]) -> Int8[Tensor, "n squares"]:
        """The most probable value of each square."""
        scores = torch.einsum("nd,dcs->ncs", activations.float() - self.mean, self.weight) + self.bias
        return torch.tensor(CLASSES, dtype=torch.int8)[scores.argmax(1)]

    def directions(self) -> Float[Tensor, "squares d"]:
        """The smallest change of the activations that turns each square's read-out from yours to mine, not empty."""
        readout = self.weight.permute(2, 1, 0)  # [squares, classes, d]
        directions: Tensor = torch.linalg.pinv(readout, rtol=1e-3) @ torch.tensor([float(c) for c in CLASSES])
        return directions

    def accuracy(self, activations: Float[Tensor, "n d"], boards: Int8[Tensor, "n squares"]) -> float:
        """Share of squares read correctly; squares that are never empty count as well."""
        return float((self.boards(activations) == boards).float().mean())


def fit_probe(activations: Float[Tensor, "n d"], boards: Int8[Tensor, "n squares"], ridge: float = 1e-3) -> Probe:
    """Ridge regression of the one-hot classes of all squares; the penalty is `ridge` times the mean variance."""
    x, y = activations.double(), torch.stack([boards == c for c in CLASSES], 1).double()
    mean, base = x.mean(0), y.mean(0)
    x = x - mean
    gram = x.T @ x / len(x)
    gram += ridge * gram.diagonal().mean() * torch.eye(x.shape[1], dtype=x.dtype)
    weight = torch.linalg.solve(gram, x.T @ (y - base).flatten(1) / len(x)).unflatten(1, y.shape[1:])
    return Probe(mean.float(), weight.float(), base.float())


@dataclass(frozen=True)
class Errors:
    """Mean errors a position, of at most twice its number of legal moves."""

    before: float
    """The unchanged model's, against the changed board: what an intervention without effect leaves."""
    after: float
    """The changed model's, against the changed board."""
    original: float
    """The unchanged model's, against the unchanged board."""


def flip_errors(
    model: OthelloGPT,
    place: str,
    directions: Float[Tensor, "squares d"],
    tokens: Int[Tensor, "games t"],
    index: Int[Tensor, "n 2"],
    generator: torch.Generator,
    *,
    elsewhere: bool = False,
) -> Errors:
    """Turn one random disc over in each position by adding its direction at its ply.

    Positions whose legal moves stay as they were, or that have none afterwards, are left out. With `elsewhere`, the
    direction of another disc is added and the first one's board still expected: a control of the same size.
    """
    size, board = model.size, rules(model.size)
    mine, yours, legal = positions(tokens, index, size)
    taken = torch.from_numpy(unpacked(mine | yours, size))
    square, other = torch.multinomial(taken.double(), 2, generator=generator).T
    bit = np.uint64(1) << square.numpy().astype(np.uint64)
    turned = board.legal(mine ^ bit, yours ^ bit)
    use = torch.from_numpy((turned != legal) & (turned != 0))
    edited = other if elsewhere else square
    sign = np.where(mine >> edited.numpy().astype(np.uint64) & np.uint64(1), -1.0, 1.0)
    added = (torch.from_numpy(sign).float()[:, None] * directions[edited])[use]
    want, had = (torch.from_numpy(unpacked(boards, size))[use] for boards in (turned, legal))
    return _errors(model, place, tokens, index[use], want, had, lambda x, rows: x + added[rows].to(x))


STRENGTHS = (1.0, 1.5, 2.0, 3.0)
"""Multiples of a probe's directions: a read-out by regression underrates how far apart the two values lie."""


def strongest_flip(
    model: OthelloGPT,
    place: str,
    probe: Probe,
    tokens: Int[Tensor, "games t"],
    index: Int[Tensor, "n 2"],
    generator: torch.Generator,
) -> Float[Tensor, "squares d"]:
    """The probe's directions, at the one of `STRENGTHS` that leaves the fewest errors on these (validation) games."""
    state = generator.get_state()
    tried = []
    for strength in STRENGTHS:
        generator.set_state(state)  # the same discs for every strength
        errors = flip_errors(model, place, strength * probe.directions(), tokens, index, generator)
        tried.append((errors.after, strength))
    return min(tried)[1] * probe.directions()


def patch_errors(
    model: OthelloGPT, place: str, tokens: Int[Tensor, "games t"], index: Int[Tensor, "n 2"], donors: Int[Tensor, " n"]
) -> Errors:
    """Replace the activations of each position (game, ply) by those of the same ply of another game."""
    other = torch.stack([donors.to(index), index[:, 1]], 1)
    given = activations_at(model, place, tokens, other)
    want = legal_labels(tokens, other, model.size)
    had = legal_labels(tokens, index, model.size)
    use = want.any(1) & had.any(1) & (want != had).any(1)
    given = given[use]
    return _errors(model, place, tokens, index[use], want[use], had[use], lambda x, rows: given[rows].to(x))


def _errors(
    model: OthelloGPT,
    place: str,
    tokens: Int[Tensor, "games t"],
    index: Int[Tensor, "n 2"],
    want: Bool[Tensor, "n squares"],
    had: Bool[Tensor, "n squares"],
    change: Callable[[Tensor, Tensor], Tensor],
) -> Errors:
    """Errors where `change(activations [m, d], rows)` replaces the activations of single positions."""
    device = next(model.parameters()).device
    plain, changed = [], []
    with torch.no_grad():
        for rows in torch.arange(len(index)).split(AT_ONCE):
            games = tokens[index[rows, 0].long(), :-1].long().to(device)
            at = (torch.arange(len(rows), device=device), index[rows, 1].long().to(device))

            def edit(x: Tensor, at: tuple[Tensor, Tensor] = at, rows: Tensor = rows) -> Tensor:
                x = x.clone()
                x[at] = change(x[at], rows)
                return x

            plain.append(model(games)[at].float().cpu())
            changed.append(model.write(games, {place: edit})[at].float().cpu())
    before, after = torch.cat(plain), torch.cat(changed)
    return Errors(top_errors(before, want), top_errors(after, want), top_errors(before, had))


def top_errors(logits: Float[Tensor, "n v"], legal: Bool[Tensor, "n squares"]) -> float:
    """Mean number of missing and wrong moves among the N most probable squares of positions with N legal moves."""
    return float(errors(logits, legal).mean())


def errors(logits: Float[Tensor, "n v"], legal: Bool[Tensor, "n squares"]) -> Float[Tensor, " n"]:
    """Missing and wrong moves among the N most probable squares, of each position with N legal moves; 0 to 2 N."""
    count = legal.sum(1)
    ranked = logits[:, : legal.shape[1]].argsort(1, descending=True)
    chosen = torch.arange(legal.shape[1], device=legal.device) < count[:, None]
    hits = (legal.gather(1, ranked) & chosen).sum(1)
    return 2 * (count - hits).float()


def errors_removed(
    logits: Float[Tensor, "p squares"], want: Bool[Tensor, "p squares"], unedited: Float[Tensor, " p"]
) -> Float[Tensor, " p"]:
    """1 - errors / mean errors without an edit, of each pair, errors being those against the legal moves `want`.

    The mean over pairs is the share of all errors that the edit removes: 1 where none is left, 0 without an edit, below
    0 where it makes more. Every pair counts by its errors, none is cut off.
    """
    return 1 - errors(logits, want) / unedited.mean()
