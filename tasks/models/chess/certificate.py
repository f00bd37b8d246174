"""Evidence that the language model keeps a board and uses it: legal moves, linear read-out, and an exchange.

legal_share(model, tokens, played, points)          of the moves that the model writes
probe = fit_probe(activations, boards)              linear map to the cells of the board, closed form
exchange(model, place, tokens, targets, points, donors)    put another game's activations in at its `.`
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tasks.models.chess.gpt import ChessGPT
from tasks.models.chess.labels import boards
from tasks.models.chess.notation import legal_moves
from tasks.models.chess.text import BLANK, decoded
from tasks.models.chess.training import divergence
from tasks.models.othello.readings import AT_ONCE, activations_at

LONGEST = 8
"""Characters of a move with the blank behind it, but for the rarest."""


def written_moves(model: ChessGPT, tokens: Int[Tensor, "games t"], points: Int[Tensor, "n 3"]) -> list[str]:
    """The move that the model writes at each `.`: the most probable character, one after the other, up to a blank."""
    device = next(model.parameters()).device
    found: list[str] = []
    with torch.no_grad():
        for some in points.split(AT_ONCE):
            text, place = tokens[some[:, 0]].long().to(device), some[:, 2].to(device)
            rows, start = torch.arange(len(some), device=device), some[:, 2]
            for _ in range(LONGEST):
                following = model(text)[rows, place].argmax(1)
                place = (place + 1).clamp(max=text.shape[1] - 1)
                text[rows, place] = following.to(text)
            for row, first in zip(text.cpu(), start.tolist(), strict=True):
                move = row[first + 1 : first + 1 + LONGEST]
                ends = (move == BLANK).nonzero()
                found.append(decoded(move[: int(ends[0])].numpy()) if len(ends) else "")
    return found


def legal_share(written: list[str], played: Int[Tensor, "games plies"], index: Int[Tensor, "n 2"]) -> float:
    """Share of the positions (game, number) in which what is written is a legal move."""
    hits = [written[row] in legal_moves(board)[1] for row, board in boards(played, index)]
    return sum(hits) / max(1, len(hits))


def moves_of_text(tokens: Int[Tensor, "games t"], points: Int[Tensor, "n 3"]) -> list[str]:
    """The move that stands behind each `.`."""
    return [
        decoded(tokens[game, place + 1 : place + 1 + LONGEST].numpy()).split(" ")[0]
        for game, _, place in points.tolist()
    ]


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
    """Mean divergences of the next character, in nats."""

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
    targets: Int[Tensor, "games t v"],
    points: Int[Tensor, "n 3"],
    donors: Int[Tensor, "n 3"],
) -> Exchange:
    """Replace the activations of each `.` by those of another game's: the next move should begin as it does there."""
    device = next(model.parameters()).device
    given = activations_at(model, place, tokens, donors[:, [0, 2]])
    want, had = targets[donors[:, 0], donors[:, 2]], targets[points[:, 0], points[:, 2]]
    plain, changed = [], []
    with torch.no_grad():
        for rows in torch.arange(len(points)).split(AT_ONCE):
            text = tokens[points[rows, 0]].long().to(device)
            at = (torch.arange(len(rows), device=device), points[rows, 2].to(device))

            def edit(x: Tensor, at: tuple[Tensor, Tensor] = at, rows: Tensor = rows) -> Tensor:
                x = x.clone()
                x[at] = given[rows].to(x)
                return x

            plain.append(model(text)[at].float().cpu())
            changed.append(model.write(text, {place: edit})[at].float().cpu())
    before, after = torch.cat(plain), torch.cat(changed)
    return Exchange(*(float(divergence(a, b).mean()) for a, b in ((before, want), (after, want), (before, had))))


def donors_of(points: Int[Tensor, "n 3"], generator: torch.Generator) -> Int[Tensor, "n 3"]:
    """For each point another one after as many moves, drawn at random; of another game, where there is one."""
    found = points.clone()
    for number in points[:, 1].unique():
        rows = (points[:, 1] == number).nonzero()[:, 0]
        mixed = rows[torch.randperm(len(rows), generator=generator)]
        found[mixed] = points[mixed.roll(1)]
    return found
