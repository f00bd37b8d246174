"""What a language model of chess knows besides the board: which atoms mean a check, a pin, a fork, a legal move?
(Karvonen et al. 2024, arXiv:2408.00113)

The true features are the published strategy set of fourteen properties, each exact (`tasks.models.chess.properties`):
squares that Black attacks and squares of White's legal moves, check, the chance to give check or to take the queen, the
queen, the bishop pair, castling rights, a fork, a pin, taking in passing, and ambiguous moves. A property counts alike,
be it one cell or 64. What holds in most positions is asked for the other way round: that castling is no longer
possible, that Black does not attack a square. What hardly ever happens is left out; in the default games these are
forks and taking in passing.

*Used*: legal moves, which the model goes on with (see the certificate); the others as far as they decide what is legal:
check and pin do. *Associated*: what follows from what moved, such as castling rights. *Blind*: base rates, and the list
of moves. A detector that is always on has F1 2p / (1 + p), by which published dictionaries of a random model reach .44;
that is why properties are turned to their rarer side, and why the primary metric is coverage above the always-on
detector, above permuted rows, and above the model before its training, property by property.

Measured on one model (seed 0, 10,000 games, 1,400 steps), at L0 16: topk .23 with 500 steps, pca .17, `moves_played`
and `moved_since` .16, neurons and random directions .06, the truth .87.
"""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Bool, Int
from torch import Tensor

from benchmark.families.dictionary import DictionaryQuestion, DictionaryTruth, dictionary_task
from benchmark.subjects import Saved
from tasks.models.chess.labels import strategy_labels
from tasks.models.chess.posed import before_training, common, indexed, question
from tasks.models.chess.properties import STRATEGY_GROUPS, STRATEGY_NAMES

COUNTED = 4000
"""Training positions in which it is counted how often a property holds."""


@dictionary_task(
    cites="arXiv:2408.00113",
    subject="chess",
    primary="grouped_coverage",
    provides=("moves", "pieces"),
    controls=("random_directions", "moves_played", "moved_since"),
    metrics=(
        "grouped_coverage",
        "coverage",
        "coverage_above_null",
        "l0",
        "explained_variance",
        "dead_fraction",
    ),
    variants={
        "l0_16": {},
        "l0_8": {"sparsity": 8},
        "l0_32": {"sparsity": 32},
        "layer_0": {"layer": 0},
        "layer_2": {"layer": 2},
        "untrained": {"training": "none"},
    },
    twins={"l0_16": "untrained"},
    dials={"fewer codes": ("l0_32", "l0_16", "l0_8"), "nearer to the text": ("layer_2", "l0_16", "layer_0")},
    ceilings={
        "grouped_coverage": "more holds of a position than codes are asked for",
        "coverage": "more holds of a position than codes are asked for",
        "coverage_above_null": "more holds of a position than codes are asked for",
    },
    small={"variants": ("l0_16",), "least": 0.03},
)
@dataclass(frozen=True, kw_only=True)
class ChessStrategyTask:
    """Find atoms that say what a position of a language model of chess amounts to."""

    atoms: int = 768
    """The most atoms a dictionary may have; `chess_board` allows as many."""
    sparsity: int = 16
    """Active codes a position that are asked for."""
    layer: int = 1
    """The block behind which activations are taken, from 0."""
    least: float = 0.005
    """The share of training positions in which a property must at least hold, and at least not hold."""

    def pose(self, saved: Saved) -> DictionaryQuestion:
        """The model's activations, and the training positions' properties for the supervised ceiling."""
        kept, turned = self._asked(saved)
        labels = self._properties(saved, "train")[:, kept] ^ turned
        return question(saved, labels, self.layer, self.atoms, self.sparsity)

    def truth(self, saved: Saved) -> DictionaryTruth:
        """Properties of the held-out positions, and what a model with random weights makes of the same positions."""
        kept, turned = self._asked(saved)
        named = zip(kept.tolist(), turned.tolist(), strict=True)
        return DictionaryTruth(
            self._properties(saved, "validation")[:, kept] ^ turned,
            self._properties(saved, "test")[:, kept] ^ turned,
            names=tuple(f"not: {STRATEGY_NAMES[i]}" if negative else STRATEGY_NAMES[i] for i, negative in named),
            groups=tuple(STRATEGY_GROUPS[column] for column in kept.tolist()),
            twin_validation=before_training(saved, "validation", self.layer),
            twin_test=before_training(saved, "test", self.layer),
        )

    def _asked(self, saved: Saved) -> tuple[Int[Tensor, " g"], Bool[Tensor, " g"]]:
        """The columns that are asked for, and which of them are asked for the other way round."""
        labels = self._properties(saved, "train", COUNTED)
        kept = common(labels, self.least)
        return kept, labels[:, kept].float().mean(0) > 0.5

    def _properties(self, saved: Saved, split: str, rows: int | None = None) -> Bool[Tensor, "n g"]:
        return strategy_labels(saved.public[f"{split}_played"], indexed(saved, split)[:rows])
