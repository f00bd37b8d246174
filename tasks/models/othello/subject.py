"""Othello: a language model trained to predict moves, which keeps a board to know which of them are legal.

    OthelloModel(size=6, layers=3, width=128, ...)        a small GPT trained on random legal games made as it goes

The board is what is planted: it never enters the training, but the legal moves depend on it (Li et al. 2023,
arXiv:2210.13382; linear in mine / yours: Nanda et al. 2023, arXiv:2309.00941). Methods may see the games' moves and
activations; labels are rebuilt from the moves by `tasks.models.othello.labels`.

Public arrays, for each split of train, validation and test: `<split>_tokens` [games, plies] (square of each move,
`size**2` behind the end), `<split>_index` [n, 2] (game, ply), and `<split>_activations` [n, d] at `place` after that
ply's move, bfloat16.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from benchmark.subjects import Check, Run, Saved, Trained, subject
from tasks.models.othello.certificate import fit_probe, flip_errors, patch_errors, strongest_flip
from tasks.models.othello.gpt import OthelloGPT, initialised
from tasks.models.othello.labels import board_labels
from tasks.models.othello.readings import Readings, activations_at, sample
from tasks.models.othello.thresholds import UNTRAINED, thresholds
from tasks.models.othello.training import Recipe, batches, fit, legal_rate, surplus_loss

SPLITS = ("train", "validation", "test")


@subject(
    cites="arXiv:2210.13382",
    small={
        "size": 4,
        "layers": 2,
        "width": 64,
        "steps": 250,
        "games": 48,
        "train_positions": 3000,
        "validation_positions": 800,
        "test_positions": 800,
    },
)
@dataclass(frozen=True, kw_only=True)
class OthelloModel:
    """A GPT trained on moves of random legal Othello games; its activations hold the board.

    `size` is the side of the board, `games` the number of games a step, `positions_a_game` how many positions each game
    gives to a split. `precision` "bfloat16" is for processors that compute in it; others are several times slower.
    """

    training: Literal["trained", "none"] = "trained"
    size: int = 6
    layers: int = 3
    width: int = 128
    heads: int = 4
    steps: int = 2000
    games: int = 64
    precision: Literal["float32", "bfloat16"] = "float32"
    place: str = "block1.middle"
    train_positions: int = 60000
    validation_positions: int = 10000
    test_positions: int = 10000
    positions_a_game: int = 10

    def train(self, run: Run) -> Trained:
        """Train one model (or leave its weights random), certify it and read its activations."""
        twin = self._new(run)
        twin.read(
            torch.zeros(1, 1, dtype=torch.long), [self.place]
        )  # an unknown place is an error before training, not after
        twin = twin.to(run.device).eval()
        model = twin
        if self.training == "trained":
            recipe = Recipe(self.steps, self.games, precision=self.precision)
            model = fit(self._new(run).to(run.device), recipe, run.generator("games"), run.progress)
        splits = {split: self._sampled(split, run.generator(split)) for split in SPLITS}
        read = {split: activations_at(model, self.place, s.tokens, s.index) for split, s in splits.items()}
        public: dict[str, Tensor] = {}
        for split, s in splits.items():
            public |= {f"{split}_tokens": s.tokens, f"{split}_index": s.index}
            public[f"{split}_activations"] = read[split].bfloat16()
        checks, facts = self._certificate(run, model, twin, splits, read)
        weights = {name: weight.detach().cpu().contiguous() for name, weight in model.state_dict().items()}
        return Trained(weights=weights, public=public, checks=checks, facts=facts)

    def load(self, saved: Saved) -> OthelloGPT:
        """The model in evaluation mode."""
        model = OthelloGPT(self.size, layers=self.layers, width=self.width, heads=self.heads)
        model.load_state_dict(dict(saved.weights))
        return model.to(saved.device).eval()

    def _new(self, run: Run) -> OthelloGPT:
        model = OthelloGPT(self.size, layers=self.layers, width=self.width, heads=self.heads)
        return initialised(model, run.generator("weights"))

    def _sampled(self, split: str, generator: torch.Generator) -> Readings:
        return sample(self.size, getattr(self, f"{split}_positions"), self.positions_a_game, generator)

    def _certificate(
        self, run: Run, model: OthelloGPT, twin: OthelloGPT, splits: dict[str, Readings], read: dict[str, Tensor]
    ) -> tuple[list[Check], dict[str, float]]:
        """Measured on held-out games: legal moves, the board in the activations, and what moves when it is moved."""
        held_out = next(batches(self.size, 1000, run.generator("held-out games"), run.device))
        with torch.no_grad():
            logits = torch.cat([model(part) for part in held_out.tokens.split(250)])
        legal, surplus = legal_rate(logits, held_out.legal), float(surplus_loss(logits, held_out.legal))
        labels = {s: board_labels(splits[s].tokens, splits[s].index, self.size) for s in ("train", "test")}
        probe = fit_probe(read["train"], labels["train"])
        accuracy = probe.accuracy(read["test"], labels["test"])
        common = labels["train"].mode(0).values
        facts = {
            "legal moves": legal,
            "surplus loss": surplus,
            "board accuracy": accuracy,
            "board accuracy of the commonest value": float((labels["test"] == common).float().mean()),
        }
        if self.training == "none":
            return [Check("legal moves without training", legal, UNTRAINED, at_least=False)], facts

        bare = {s: activations_at(twin, self.place, splits[s].tokens, splits[s].index) for s in ("train", "test")}
        accuracy_bare = fit_probe(bare["train"], labels["train"]).accuracy(bare["test"], labels["test"])
        some = {}
        for split in ("validation", "test"):
            order = torch.randperm(len(splits[split].index), generator=run.generator(f"{split} positions"))
            some[split] = (splits[split].tokens, splits[split].index[order[:2000]])
        directions = strongest_flip(model, self.place, probe, *some["validation"], run.generator("trial flips"))
        flip, control = (
            flip_errors(model, self.place, directions, *some["test"], run.generator("flips"), elsewhere=elsewhere)
            for elsewhere in (False, True)
        )
        tokens, index = some["test"]
        donors = torch.randint(len(tokens), (len(index),), generator=run.generator("donors"))
        patch = patch_errors(model, self.place, tokens, index, donors)
        facts |= {
            "board accuracy of random weights": accuracy_bare,
            **{f"disc turned, errors {k}": v for k, v in vars(flip).items()},
            "another disc turned, errors after": control.after,
            **{f"activations exchanged, errors {k}": v for k, v in vars(patch).items()},
        }
        asked, left = thresholds(self.size), patch.after / patch.before
        return [
            Check("legal moves", legal, asked.legal),
            Check("board accuracy above random weights", accuracy - accuracy_bare, asked.gap),
            Check("errors left after a disc is turned", flip.after / flip.before, asked.left, at_least=False),
            Check("errors left after activations are exchanged", left, asked.left, at_least=False),
        ], facts
