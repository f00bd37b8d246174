"""What dictionary tasks ask of the model: activations of some positions, and the boards of these."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from benchmark.families.dictionary import DictionaryQuestion, Loss
from benchmark.families.grid import Grid
from benchmark.subjects import Saved
from tasks.models.othello.continuing import Continued, continued
from tasks.models.othello.gpt import OthelloGPT, initialised
from tasks.models.othello.labels import board_state_properties, moves_read
from tasks.models.othello.readings import activations_at
from tasks.models.othello.subject import SPLITS, OthelloModel

LOSSES = 500
"""Test positions whose next move is predicted from a reconstruction."""


@dataclass(frozen=True)
class Asked:
    """Some positions of each split, evenly spread over its games."""

    saved: Saved
    train_rows: int
    held_out_rows: int

    @property
    def subject(self) -> OthelloModel:
        """Whose activations these are."""
        subject: OthelloModel = self.saved.subject
        return subject

    def question(self, size: int, sparsity: int) -> DictionaryQuestion:
        """The activations, the training positions' boards for the supervised ceiling, and the moves for controls."""
        train, validation, test = (self.of(split, "activations").float() for split in SPLITS)
        return DictionaryQuestion(
            train,
            validation,
            test,
            size=size,
            sparsity=sparsity,
            seed=self.saved.method_seed,
            source=f"{self.saved.identity}/{self.train_rows}/{self.held_out_rows}",
            labels=self.boards("train"),
            inputs={split: self.moves(split) for split in SPLITS},
            outputs=self._next_mlp(train),
        )

    @torch.no_grad()
    def _next_mlp(self, activations: Float[Tensor, "n d"]) -> Float[Tensor, "n d"] | None:
        """What the MLP behind the place makes of the activations; None where attention comes next."""
        block, _, part = self.subject.place.partition(".")
        if part != "middle":
            return None
        model = self.subject.load(self.saved).cpu()
        return model.in_order[int(block.removeprefix("block"))].mlp(activations, lambda neurons: neurons)

    def of(self, split: str, what: str) -> Tensor:
        """The rows of a split's array with an entry for each position, `index` or `activations`."""
        there = self.saved.public[f"{split}_{what}"]
        wanted = min(len(there), self.train_rows if split == "train" else self.held_out_rows)
        return there[torch.linspace(0, len(there) - 1, wanted).long()]

    def tokens(self, split: str) -> Int[Tensor, "games t"]:
        """The games of a split."""
        return self.saved.public[f"{split}_tokens"]

    def moves(self, split: str) -> Int[Tensor, "n t"]:
        """What the model has read at each position."""
        return moves_read(self.tokens(split), self.of(split, "index"), self.subject.size)

    def boards(self, split: str) -> Bool[Tensor, "n g"]:
        """Where the player to move has discs, then where the other one has."""
        return board_state_properties(self.tokens(split), self.of(split, "index"), self.subject.size)["board"]

    def twin(self, split: str) -> Float[Tensor, "n d"]:
        """Activations of the same model before training."""
        subject = self.subject
        model = OthelloGPT(subject.size, layers=subject.layers, width=subject.width, heads=subject.heads)
        twin = initialised(model, self.saved.generator("weights")).eval()
        return activations_at(twin, subject.place, self.tokens(split), self.of(split, "index"))

    def continued(self, split: str) -> Continued:
        """What the model says after the positions of a split, from other activations."""
        return continued(self.saved, self.tokens(split), self.of(split, "index"))

    def loss(self) -> Loss:
        """The cross-entropy of the move that follows, at the first `LOSSES` of the test positions after a shuffle."""
        index, logits = self.of("test", "index").long(), self.continued("test")
        order = torch.randperm(len(index), generator=self.saved.generator("losses"))
        rows = order[:LOSSES].sort().values
        game, ply = index[rows].T
        moves = self.tokens("test")[game, ply + 1].long()
        return Loss(rows, lambda activations: F.cross_entropy(logits(activations, rows), moves, reduction="none"))


def board_grid(size: int) -> Grid:
    """Where the features of `Asked.boards` lie."""
    squares = size**2
    return Grid(
        rows=size,
        columns=size,
        cells=(*range(squares), *range(squares)),
        signs=(1,) * squares + (-1,) * squares,
        meaning="mine - yours",
    )
