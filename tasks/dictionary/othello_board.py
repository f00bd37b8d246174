"""The board in a language model of Othello: which learned atoms mean "my disc is on c4"? (Karvonen et al. 2024,
arXiv:2408.00113)

The true features are two for each square, mine and yours as the player to move sees it; nothing else of the model is
known, so no metric asks for directions.

*Used*: the model's next move follows the board: turning a disc over in its activations removes half of the errors
against the turned board (see the certificate). *Associated*: the moves, which the activations hold as well. A disc
lies where it was played and mostly keeps its colour. *Blind*: the list of moves, which only controls see.
`moves_played` (who played where) has a coverage that no learned dictionary here reaches; `exposed_moves` (and whether
the disc can have been turned over since) is the better list for `board_reconstruction`, which asks for certainty. With
the rules of the game the moves give the whole board, which is why contestants are not shown them; what a method finds
of them in the activations is worth no more than the list.

Measured on seed 0 of the default profile, at L0 16. Coverage: `moves_played` .69, the best dictionary .52, and .55 when
it is trained four times as long on 400,000 rows. Board reconstruction: `exposed_moves` .23, topk .29, and .36 with four
times the steps, on 60,000 rows as on 400,000; the truth cut to that L0 .89. No dictionary here is as near to the board
as the list of moves, and the best say more of it with certainty.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from benchmark.families.dictionary import DictionaryQuestion, DictionaryTruth, dictionary_task
from benchmark.families.grid import Grid
from benchmark.subjects import Saved
from tasks.models.othello.gpt import OthelloGPT, initialised
from tasks.models.othello.labels import board_state_properties, moves_read, property_names
from tasks.models.othello.readings import activations_at
from tasks.models.othello.subject import OthelloModel


@dictionary_task(
    cites="arXiv:2408.00113",
    subject="othello",
    primary="board_reconstruction",
    provides=("moves",),
    controls=("random_directions", "moves_played", "exposed_moves"),
    metrics=(
        "board_reconstruction",
        "coverage",
        "coverage_above_null",
        "firing_f1",
        "l0",
        "explained_variance",
        "dead_fraction",
    ),
    variants={
        "l0_8": {"sparsity": 8},
        "l0_16": {},
        "l0_32": {"sparsity": 32},
        "untrained": {"training": "none"},
    },
    twins={"l0_16": "untrained"},
    ceilings={
        "board_reconstruction": "a board has more discs than codes are asked for",
        "coverage": "a board has more discs than codes are asked for",
        "firing_f1": "a board has more discs than codes are asked for",
    },
    small={"variants": ("l0_16",), "atoms": 128, "train_rows": 3000, "held_out_rows": 800},
)
@dataclass(frozen=True, kw_only=True)
class OthelloBoardTask:
    """Find atoms that say which discs lie where on the board of an Othello language model."""

    atoms: int = 512
    """The most atoms a dictionary may have."""
    sparsity: int = 16
    """Active codes a position that are asked for; a 6x6 board has about 20 discs."""
    train_rows: int = 60000
    held_out_rows: int = 3000
    """Positions taken of each split, evenly spread over its games."""

    def pose(self, saved: Saved) -> DictionaryQuestion:
        """The model's activations, and the training positions' boards for the supervised ceiling."""
        train, validation, test = (self._rows(saved, split) for split in ("train", "validation", "test"))
        return DictionaryQuestion(
            saved.public["train_activations"][train].float(),
            saved.public["validation_activations"][validation].float(),
            saved.public["test_activations"][test].float(),
            size=self.atoms,
            sparsity=self.sparsity,
            seed=saved.method_seed,
            source=f"{saved.identity}/{self.train_rows}/{self.held_out_rows}",
            labels=self._boards(saved, "train"),
            inputs={split: self._moves(saved, split) for split in ("train", "validation", "test")},
        )

    def truth(self, saved: Saved) -> DictionaryTruth:
        """Boards of the held-out positions, and what a model with random weights makes of the same positions."""
        subject: OthelloModel = saved.subject
        squares = subject.size**2
        return DictionaryTruth(
            self._boards(saved, "validation"),
            self._boards(saved, "test"),
            names=tuple(property_names(subject.size)["board"]),
            grid=Grid(
                rows=subject.size,
                columns=subject.size,
                cells=(*range(squares), *range(squares)),
                signs=(1,) * squares + (-1,) * squares,
                meaning="mine - yours",
            ),
            twin_validation=self._twin(saved, "validation"),
            twin_test=self._twin(saved, "test"),
        )

    def _rows(self, saved: Saved, split: str) -> Int[Tensor, " n"]:
        there = len(saved.public[f"{split}_index"])
        wanted = min(there, self.train_rows if split == "train" else self.held_out_rows)
        return torch.linspace(0, there - 1, wanted).long()

    def _moves(self, saved: Saved, split: str) -> Int[Tensor, "n t"]:
        index = saved.public[f"{split}_index"][self._rows(saved, split)]
        return moves_read(saved.public[f"{split}_tokens"], index, saved.subject.size)

    def _boards(self, saved: Saved, split: str) -> Bool[Tensor, "n g"]:
        index = saved.public[f"{split}_index"][self._rows(saved, split)]
        return board_state_properties(saved.public[f"{split}_tokens"], index, saved.subject.size)["board"]

    def _twin(self, saved: Saved, split: str) -> Float[Tensor, "n d"]:
        """Activations of the same model before training."""
        subject: OthelloModel = saved.subject
        model = OthelloGPT(subject.size, layers=subject.layers, width=subject.width, heads=subject.heads)
        twin = initialised(model, saved.generator("weights")).eval()
        index = saved.public[f"{split}_index"][self._rows(saved, split)]
        return activations_at(twin, subject.place, saved.public[f"{split}_tokens"], index)
