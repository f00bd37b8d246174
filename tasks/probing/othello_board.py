"""Does a language model of Othello moves hold the board? Every square is a concept: yours, empty or mine.

A concept is exchanged between two positions by turning one disc over; the model should then name the legal moves of the
edited board (Li et al. 2023, arXiv:2210.13382). Types, for the controls, are pairs of moves: the last and the previous.

*Used*: the board, as far as an edit changes the legal moves that the model names: `interchange_accuracy`, the share of
errors against the edited board that the edit removes, 0 without an edit. *Associated*: whatever can be read off the
activations, `test_accuracy`. *Blind*: the moves give the board away. Empty squares are those where nobody played, and
most discs keep their colour. Only controls see the moves: a linear probe and a network, trained on the positions of the
question; with more games or the rules they would have all.

The primary metric therefore asks what a method reads *beyond* the moves: pairs of positions in which a linear probe of
the moves holds a square for equally likely mine, though it is mine in one and yours in the other (`beyond_inputs`,
chance .5). Accuracy leaves less than a fifth of its scale above blind, accuracy where the moves' probe fails goes to
whoever says the opposite, and interchange has no ceiling that was planted.

Measured on seed 0 of the default profile. Beyond the moves: linear .86, MLP .86, LEACE .85, nearest mean .73,
difference in means .72; the moves' network .75, so that the last two say nothing that the moves do not; on random
weights .59 to .63. Accuracy: linear .92, the moves' network .89 (.91 from 60,000 positions). Interchange orders
methods otherwise: LEACE .29, linear .17, MLP .06, difference in means .02, each within .04.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from benchmark.errors import TouchstoneError
from benchmark.families.grid import Grid
from benchmark.families.probing import (
    Interchange,
    ProbingQuestion,
    ProbingTruth,
    RunFrom,
    probing_task,
    run_from_layers,
)
from benchmark.learning.controls import Mixed, with_controls
from benchmark.learning.moves import known_from_moves
from benchmark.subjects import Saved
from tasks.models.othello.certificate import errors, errors_removed
from tasks.models.othello.continuing import continued
from tasks.models.othello.labels import board_labels, moves_read, positions, square_names, unpacked
from tasks.models.othello.rules import rules

STATES = ("yours", "empty", "mine")
"""The classes of a square, from 0."""


@probing_task(
    cites="arXiv:2210.13382",
    subject="othello",
    primary="beyond_inputs",
    provides=("moves",),
    controls=("majority", "moves_probe", "moves_net"),
    metrics=(
        "beyond_inputs",
        "interchange_accuracy",
        "test_accuracy",
        "selectivity",
        "control_accuracy",
        "erasure_gap",
    ),
    variants={"trained": {}, "untrained": {"training": "none"}},
    twins={"trained": "untrained"},
    small={"variants": ("trained",), "train_inputs": 1500, "test_inputs": 600, "controls": 4, "pairs": 60},
)
@dataclass(frozen=True, kw_only=True)
class OthelloBoardTask:
    """Read the state of every square from the activations of an Othello language model, and write it."""

    train_inputs: int = 8000
    test_inputs: int = 2000
    controls: int = 12
    """How many squares have a control."""
    pairs: int = 500
    """Positions in which one disc is turned over."""
    erased_squares: int = 4
    """Squares on which `erasure_gap` trains fresh probes."""

    def pose(self, saved: Saved) -> ProbingQuestion:
        """Activations at the subject's place, labels with controls among them, and the model behind that place."""
        mixed = self._concepts(saved)
        place = saved.subject.place
        return ProbingQuestion(
            layer=place,
            train=self._rows(saved, "train", "activations").float().to(saved.device),
            test=self._rows(saved, "test", "activations").float().to(saved.device),
            labels=mixed.train.to(saved.device),
            classes=mixed.classes,
            run_from=self._run_from(saved),
            seed=saved.method_seed,
            inputs={split: self._moves(saved, split) for split in ("train", "test")},
        )

    def truth(self, saved: Saved) -> ProbingTruth:
        """The boards of the test positions, and positions in which turning a disc over changes the legal moves."""
        mixed = self._concepts(saved)
        size = saved.subject.size
        squares = square_names(size)
        names = (squares[i] if i < len(squares) else f"control {i - len(squares) + 1}" for i in mixed.order)
        playable = torch.tensor(rules(size).playable)
        chosen = playable[torch.randperm(len(playable), generator=saved.generator("erased"))[: self.erased_squares]]
        known = known_from_moves(self._moves(saved, "train"), self._moves(saved, "test"), mixed.train, mixed.classes)
        return ProbingTruth(
            names=tuple(names),
            labels=mixed.test.to(saved.device),
            control_of=mixed.control_of,
            interchange=self._interchange(saved, mixed),
            erased=tuple(mixed.position(int(square)) for square in chosen),
            class_names=STATES,
            grid=Grid(rows=size, columns=size, cells=tuple(i if i < len(squares) else None for i in mixed.order)),
            known=known.to(saved.device),
        )

    def _moves(self, saved: Saved, split: str) -> Int[Tensor, "n t"]:
        """The moves that the model has read at each position."""
        return moves_read(saved.public[f"{split}_tokens"], self._rows(saved, split, "index"), saved.subject.size)

    def _rows(self, saved: Saved, split: str, what: str) -> Tensor:
        """The first positions of a split, as many as the task asks for."""
        count, there = getattr(self, f"{split}_inputs"), saved.public[f"{split}_{what}"]
        if count > len(there):
            raise TouchstoneError(f"othello_board: got {split}_inputs={count}, expected at most {len(there)} positions")
        return there[:count]

    def _concepts(self, saved: Saved) -> Mixed:
        """Squares and controls, in train and test positions."""
        labels, types = {}, {}
        for split in ("train", "test"):
            tokens, index = saved.public[f"{split}_tokens"], self._rows(saved, split, "index").long()
            labels[split] = board_labels(tokens, index, saved.subject.size).long() + 1
            game, ply = index.T
            before = torch.where(ply > 0, tokens[game, (ply - 1).clamp_min(0)].long(), saved.subject.size**2)
            types[split] = tokens[game, ply].long() * (saved.subject.size**2 + 1) + before
        draw = saved.generator("controls")
        squares = labels["train"].shape[1]
        copies = torch.randperm(squares, generator=draw)[: self.controls].tolist()
        return with_controls(
            labels["train"],
            labels["test"],
            types["train"],
            types["test"],
            [len(STATES)] * squares,
            copies=copies,
            generator=draw,
        )

    def _run_from(self, saved: Saved) -> RunFrom:
        """Logits of the squares after test positions whose activations at the place are replaced."""
        index = self._rows(saved, "test", "index")
        return run_from_layers({saved.subject.place: continued(saved, saved.public["test_tokens"], index)})

    def _interchange(self, saved: Saved, mixed: Mixed) -> Interchange:
        """One disc of a test position turned over, as in another position; the legal moves must change by that."""
        size, index = saved.subject.size, self._rows(saved, "test", "index").long()
        mine, yours, legal = positions(saved.public["test_tokens"], index, size)
        board = (torch.from_numpy(unpacked(mine, size)).long() - torch.from_numpy(unpacked(yours, size)).long()) + 1
        draw = saved.generator("pairs")
        base, source = torch.randint(len(index), (2, 50 * self.pairs), generator=draw)
        square = torch.randint(size * size, (len(base),), generator=draw)
        bit = np.uint64(1) << square.numpy().astype(np.uint64)
        turned = rules(size).legal(mine[base] ^ bit, yours[base] ^ bit)
        opposite = (board[base, square] + board[source, square] == 2) & (board[base, square] != 1)
        use = opposite & torch.from_numpy((turned != 0) & (turned != legal[base]))
        kept = use.nonzero()[:, 0][: self.pairs]
        want = torch.from_numpy(unpacked(turned, size))[kept].to(saved.device)
        activations = self._rows(saved, "test", "activations").float().to(saved.device)
        unedited = errors(self._run_from(saved)(saved.subject.place, activations[base[kept]], base[kept]), want)
        places = torch.tensor([mixed.position(i) for i in range(size * size)])
        return Interchange(
            concept=places[square[kept]].to(saved.device),
            base=base[kept].to(saved.device),
            source=source[kept].to(saved.device),
            follows=lambda logits: errors_removed(logits, want, unedited),
        )
