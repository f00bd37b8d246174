"""Edits of the board in a language model of Othello: do the atoms of a disc turn it over?

    position, with a disc of yours on c4      take out the atoms of "yours c4", put in those of "mine c4"
    the model should name the legal moves of the position with that disc turned over

An atom that fires where a disc lies may be read by nobody. Here the model reads it: the score is the share of its
errors against the turned board that an edit removes (`edit_accuracy`); 0 is no edit. *Used*: the board, as the
certificate of the model shows by the same edits with the directions of a probe. *Associated*: the moves; an atom may
say that c4 was played, and not whose disc lies there now. *Blind*: atoms that need no learning, random ones and
training rows; a list of moves has no directions and edits nothing.

There is no planted ceiling: the truth's directions are what least squares over the training positions gives for the
boards. L0 32 is more than a board has discs, so that the truth may be said in full. The preprint 202601.2229, of which
only a summary is known here, reports that edits by a probe give legal moves on a chess board in .88 of cases, and edits
by sparse autoencoders in .41.

Measured on seed 0 of the model of the board profile: the truth .38, a probe's directions .36, topk .11, ica .07, others
within .04 of no edit. Whoever recovers the loss does not edit: topk recovers .998 of it, kmeans .98.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.families.dictionary import DictionaryQuestion, DictionaryTruth, dictionary_task
from benchmark.learning.decoding import written
from benchmark.subjects import Saved
from tasks.models.othello.discs import turned_discs
from tasks.models.othello.labels import property_names
from tasks.models.othello.questions import Asked, board_grid


@dictionary_task(
    cites="arXiv:2210.13382",
    subject="othello",
    primary="edit_accuracy",
    provides=("outputs",),
    controls=("random_directions", "training_rows"),
    metrics=("edit_accuracy", "board_reconstruction", "coverage", "loss_recovered", "explained_variance"),
    variants={
        "atoms_1": {"edited": 1},
        "atoms_4": {},
        "atoms_16": {"edited": 16},
        "untrained": {"training": "none"},
    },
    twins={"atoms_4": "untrained"},
    unranked=("untrained",),
    dials={"atoms that an edit may use for a feature": ("atoms_1", "atoms_4", "atoms_16")},
    small={"variants": ("atoms_4",), "atoms": 128, "train_rows": 3000, "held_out_rows": 800, "pairs": 60},
)
@dataclass(frozen=True, kw_only=True)
class OthelloEditsTask:
    """Find atoms by which discs can be turned over on the board of an Othello language model."""

    edited: int = 4
    """How many atoms an edit may take out, and put in."""
    atoms: int = 512
    """The most atoms a dictionary may have."""
    sparsity: int = 32
    """Active codes a position that are asked for: more than a 6x6 board has discs."""
    train_rows: int = 60000
    held_out_rows: int = 3000
    """Positions taken of each split, evenly spread over its games."""
    pairs: int = 300
    """Edited test positions; a third as many are edited to choose by."""

    def pose(self, saved: Saved) -> DictionaryQuestion:
        """The model's activations, as `othello_board` shows them."""
        return self._asked(saved).question(self.atoms, self.sparsity)

    def truth(self, saved: Saved) -> DictionaryTruth:
        """Boards of the held-out positions, and discs to be turned over with the model behind them."""
        asked = self._asked(saved)
        size, boards = asked.subject.size, {split: asked.boards(split) for split in ("train", "validation", "test")}
        effects, bias = written(boards["train"].float(), asked.of("train", "activations").float())
        norms = effects.norm(dim=1)
        return DictionaryTruth(
            boards["validation"],
            boards["test"],
            effects / norms.clamp(min=1e-6)[:, None],
            bias,
            validation_codes=boards["validation"] * norms,
            test_codes=boards["test"] * norms,
            names=tuple(property_names(size)["board"]),
            grid=board_grid(size),
            loss=asked.loss(),
            edits={
                "validation": turned_discs(asked, "validation", self.pairs // 3),
                "test": turned_discs(asked, "test", self.pairs),
            },
            edited_atoms=self.edited,
        )

    def _asked(self, saved: Saved) -> Asked:
        return Asked(saved, self.train_rows, self.held_out_rows)
