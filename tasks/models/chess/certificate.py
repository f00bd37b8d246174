"""Evidence that the language model keeps a board and uses it: legal moves, linear read-out, and an exchange.

legal_shares(model, tokens, follows, index, donors)         of the moves that the model names, and of others' moves
probe = fit_probe(activations, boards)                      linear map to the cells of the board, closed form
exchange(model, place, tokens, follows, index, donors)      put another game's activations in at a position
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tasks.models.chess.gpt import ChessGPT
from tasks.models.chess.labels import at_tokens
from tasks.models.chess.training import legal_hits, surplus
from tasks.models.othello.readings import AT_ONCE, activations_at


def legal_shares(
    model: ChessGPT,
    tokens: Int[Tensor, "games t"],
    follows: Int[Tensor, "games t w"],
    index: Int[Tensor, "n 2"],
    donors: Int[Tensor, "n 2"],
) -> tuple[float, float]:
    """Share of positions (game, number) in which a move is legal: the model's, and the one of a donor's game."""
    at, other = at_tokens(index), at_tokens(donors)
    legal = follows[at[:, 0], at[:, 1]]
    named = legal_hits(_logits(model, tokens, at), legal)
    elsewhere = (tokens[other[:, 0], other[:, 1] + 1, None] == legal).any(1)
    return float(named.float().mean()), float(elsewhere.float().mean())


def _logits(model: ChessGPT, tokens: Int[Tensor, "games t"], at: Int[Tensor, "n 2"]) -> Float[Tensor, "n v"]:
    return activations_at(model, "final", tokens, at) @ model.head.weight.detach().cpu().float().T


@dataclass(frozen=True)
class Probe:
    """A linear read-out of the board's cells."""

    mean: Float[Tensor, " d"]
    weight: Float[Tensor, "d cells"]
    bias: Float[Tensor, " cells"]

    def boards(self, activations: Float[Tensor, "n d"]) -> Bool[Tensor, "n cells"]:
        """The cells that are rather on than off."""
        return (activations.float() - self.mean) @ self.weight + self.bias > 0.5

    def f1(self, activations: Float[Tensor, "n d"], labels: Bool[Tensor, "n cells"]) -> float:
        """F1 over all cells and positions together, 0 to 1."""
        read = self.boards(activations)
        return 2 * float((read & labels).sum()) / max(1.0, float(read.sum()) + float(labels.sum()))


def fit_probe(activations: Float[Tensor, "n d"], labels: Bool[Tensor, "n cells"], ridge: float = 1e-3) -> Probe:
    """Ridge regression of all cells; the penalty is `ridge` times the mean variance."""
    x, y = activations.double(), labels.double()
    mean, base = x.mean(0), y.mean(0)
    x = x - mean
    gram = x.T @ x / len(x)
    gram += ridge * gram.diagonal().mean() * torch.eye(x.shape[1], dtype=x.dtype)
    weight = torch.linalg.solve(gram, x.T @ (y - base) / len(x))
    return Probe(mean.float(), weight.float(), base.float())


@dataclass(frozen=True)
class Exchange:
    """Mean surplus of the next word, in nats (`training.surplus`)."""

    before: float
    """The unchanged model's from what may follow in the other game: what an exchange without effect leaves."""
    after: float
    """The changed model's from what may follow in the other game."""
    original: float
    """The unchanged model's from what may follow in its own."""


def exchange(
    model: ChessGPT,
    place: str,
    tokens: Int[Tensor, "games t"],
    follows: Int[Tensor, "games t w"],
    index: Int[Tensor, "n 2"],
    donors: Int[Tensor, "n 2"],
) -> Exchange:
    """Replace the activations of each position by those of another game's: the legal moves should be those there."""
    device = next(model.parameters()).device
    here, other = at_tokens(index), at_tokens(donors)
    given = activations_at(model, place, tokens, other)
    want, had = follows[other[:, 0], other[:, 1]], follows[here[:, 0], here[:, 1]]
    plain, changed = [], []
    with torch.no_grad():
        for rows in torch.arange(len(index)).split(AT_ONCE):
            text = tokens[here[rows, 0], :-1].long().to(device)
            at = (torch.arange(len(rows), device=device), here[rows, 1].to(device))

            def edit(x: Tensor, at: tuple[Tensor, Tensor] = at, rows: Tensor = rows) -> Tensor:
                x = x.clone()
                x[at] = given[rows].to(x)
                return x

            plain.append(model(text)[at].float().cpu())
            changed.append(model.write(text, {place: edit})[at].float().cpu())
    before, after = torch.cat(plain), torch.cat(changed)
    return Exchange(*(float(surplus(a, b).mean()) for a, b in ((before, want), (after, want), (before, had))))


def donors_of(index: Int[Tensor, "n 2"], generator: torch.Generator) -> Int[Tensor, "n 2"]:
    """For each position another one after as many moves, drawn at random; of another game, where there is one."""
    found = index.clone()
    for number in index[:, 1].unique():
        rows = (index[:, 1] == number).nonzero()[:, 0]
        mixed = rows[torch.randperm(len(rows), generator=generator)]
        found[mixed] = index[mixed.roll(1)]
    return found
