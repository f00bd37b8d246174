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

from benchmark.families.dictionary import DictionaryQuestion, DictionaryTruth, dictionary_task
from benchmark.subjects import Saved
from tasks.models.othello.labels import property_names
from tasks.models.othello.questions import Asked, board_grid


@dictionary_task(
    cites="arXiv:2408.00113",
    subject="othello",
    primary="board_reconstruction",
    provides=("moves", "outputs"),
    controls=("random_directions", "moves_played", "exposed_moves"),
    metrics=(
        "board_reconstruction",
        "coverage",
        "coverage_above_null",
        "firing_f1",
        "l0",
        "explained_variance",
        "loss_recovered",
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
        return self._asked(saved).question(self.atoms, self.sparsity)

    def truth(self, saved: Saved) -> DictionaryTruth:
        """Boards of the held-out positions, what a model with random weights makes of the same positions, and what the
        model says of the next move when it gets other activations."""
        asked = self._asked(saved)
        size = asked.subject.size
        return DictionaryTruth(
            asked.boards("validation"),
            asked.boards("test"),
            names=tuple(property_names(size)["board"]),
            grid=board_grid(size),
            twin_validation=asked.twin("validation"),
            twin_test=asked.twin("test"),
            loss=asked.loss(),
        )

    def _asked(self, saved: Saved) -> Asked:
        return Asked(saved, self.train_rows, self.held_out_rows)
