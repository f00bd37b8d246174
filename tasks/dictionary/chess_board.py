"""The board in a language model of chess: which learned atoms mean "a white knight is on f3"? (Karvonen et al. 2024,
arXiv:2408.00113)

The true features are the published ones: which piece stands on which square, blanks masked, and so is what still stands
as before the first move. They are read at White's turns, behind Black's last move, which is where the model must know
every legal move. Games are the openings of random legal ones. Squares on which a piece hardly ever stands are left out.

*Used*: the model goes on with moves that are legal on this board; the activations of another game make it go on with
what is legal there (see the certificate). *Associated*: the moves, which stand in the text: a piece stands where it was
last moved. *Blind*: the list of moves, which only controls see. `moves_played` says which piece was moved where, and
`moved_since` besides how often the player has moved a piece of that kind since, after which the text alone no longer
says whether it still stands there. Of a board of chess such a list says much more than of one of Othello, where a move
turns discs that it does not name. It leaves no room to `coverage`, and a quarter of the scale to reconstruction, which
asks for certainty and is primary for that.

Measured on one model (seed 0, 10,000 games, 1,400 steps), at L0 8. Board reconstruction: `moved_since` .72,
`moves_played` .06, topk .44 with 500 steps, pca .02, random directions .06, the truth 1.00. Coverage: .96, .89, .45,
.19, .14, 1.00. The dictionary is far from the list of moves, as in Othello by coverage: who ranks here ranks below
blind.
"""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Bool
from torch import Tensor

from benchmark.families.dictionary import DictionaryQuestion, DictionaryTruth, dictionary_task
from benchmark.families.grid import Grid
from benchmark.subjects import Saved
from tasks.models.chess.labels import board_labels
from tasks.models.chess.posed import before_training, common, indexed, question
from tasks.models.chess.properties import BOARD_NAMES, PLACES


@dictionary_task(
    cites="arXiv:2408.00113",
    subject="chess",
    primary="board_reconstruction",
    provides=("moves", "pieces"),
    controls=("random_directions", "moves_played", "moved_since"),
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
        "l0_8": {},
        "l0_4": {"sparsity": 4},
        "l0_16": {"sparsity": 16},
        "layer_0": {"layer": 0},
        "layer_2": {"layer": 2},
        "untrained": {"training": "none"},
    },
    twins={"l0_8": "untrained"},
    dials={"fewer codes": ("l0_16", "l0_8", "l0_4"), "nearer to the text": ("layer_2", "l0_8", "layer_0")},
    ceilings={
        "board_reconstruction": "a board has more moved pieces than codes are asked for",
        "coverage_above_null": "a board has more moved pieces than codes are asked for",
        "coverage": "a board has more moved pieces than codes are asked for",
        "firing_f1": "a board has more moved pieces than codes are asked for",
    },
    small={"variants": ("l0_8",), "least": 0.03},
)
@dataclass(frozen=True, kw_only=True)
class ChessBoardTask:
    """Find atoms that say which pieces stand where on the board of a language model of chess."""

    atoms: int = 768
    """The most atoms a dictionary may have: one for each piece and square."""
    sparsity: int = 8
    """Active codes a position that are asked for; about six pieces stand elsewhere than at first."""
    layer: int = 1
    """The block behind which activations are taken, from 0."""
    least: float = 0.005
    """The share of training positions that a cell must at least be on in."""

    def pose(self, saved: Saved) -> DictionaryQuestion:
        """The model's activations, and the training positions' boards for the supervised ceiling."""
        labels = self._boards(saved, "train")
        return question(saved, labels[:, common(labels, self.least)], self.layer, self.atoms, self.sparsity)

    def truth(self, saved: Saved) -> DictionaryTruth:
        """Boards of the held-out positions, and what a model with random weights makes of the same positions."""
        kept = common(self._boards(saved, "train"), self.least)
        cells, signs = zip(*(_shown(cell) for cell in kept.tolist()), strict=True)
        return DictionaryTruth(
            self._boards(saved, "validation")[:, kept],
            self._boards(saved, "test")[:, kept],
            names=tuple(BOARD_NAMES[cell] for cell in kept.tolist()),
            grid=Grid(rows=8, columns=8, cells=cells, signs=signs, meaning="white - black"),
            twin_validation=before_training(saved, "validation", self.layer),
            twin_test=before_training(saved, "test", self.layer),
        )

    def _boards(self, saved: Saved, split: str) -> Bool[Tensor, "n g"]:
        return board_labels(saved.public[f"{split}_played"], indexed(saved, split))


def _shown(cell: int) -> tuple[int, int]:
    """Where a cell of the board is drawn, White's first rank at the bottom, and whose it is."""
    square = cell % 64
    return 8 * (7 - square // 8) + square % 8, 1 if cell < PLACES else -1
