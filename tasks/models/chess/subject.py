"""Chess: a language model of games, move by move, which keeps a board to know how they may go on.

    ChessModel(moves=8, layers=3, width=96, ...)         a small GPT trained on the openings of random legal games
    ChessModel(games="games.pgn", moves=20, ...)         on recorded games

The board is what is planted: it never enters the training, but how a game may go on depends on it (Karvonen 2024,
arXiv:2403.15498). Methods see activations alone; labels are rebuilt from the moves by `tasks.models.chess.labels`.

Public arrays, for each split of train, validation and test: `<split>_tokens` [games, tokens], `<split>_played` [games,
plies] (`tasks.models.chess.games.code`), `<split>_index` [n, 2] (game, moves of both), and for each place of the
residual stream behind a block `<split>_<place>` [n, d] at White's turn, bfloat16.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from benchmark.errors import TouchstoneError
from benchmark.log import log
from benchmark.subjects import Check, Run, Saved, Trained, subject
from tasks.models.chess.certificate import (
    donors_of,
    exchange,
    fit_probe,
    legal_shares,
)
from tasks.models.chess.games import Games, length, random_games, recorded_games
from tasks.models.chess.gpt import ChessGPT
from tasks.models.chess.labels import at_tokens, board_labels, points
from tasks.models.chess.thresholds import UNTRAINED, thresholds
from tasks.models.chess.training import fit, surplus_loss
from tasks.models.othello.gpt import initialised
from tasks.models.othello.readings import activations_at
from tasks.models.othello.training import Recipe

SPLITS = ("train", "validation", "test")
ASKED = 1000
"""Positions that the certificate asks about."""


@subject(
    cites="arXiv:2403.15498",
    packages=("chess",),
    small={
        "moves": 4,
        "layers": 2,
        "width": 64,
        "place": "block0.residual",
        "steps": 500,
        "training_games": 1500,
        "train_games": 500,
        "held_out_games": 150,
    },
)
@dataclass(frozen=True, kw_only=True)
class ChessModel:
    """A GPT trained on the moves of chess games; its activations hold the board.

    `games` is a PGN file to learn from, or empty for random legal games; of its games the last ones are held out. Games
    have `moves` moves of both players, as many as it takes pieces to spread; `batch` games make a step. `place` is
    where the certificate looks. `precision` "bfloat16" is for processors that compute in it.
    """

    training: Literal["trained", "none"] = "trained"
    games: str = ""
    moves: int = 8
    layers: int = 3
    width: int = 96
    heads: int = 4
    steps: int = 1000
    batch: int = 64
    precision: Literal["float32", "bfloat16"] = "float32"
    place: str = "block1.residual"
    training_games: int = 8000
    train_games: int = 2000
    held_out_games: int = 430

    def train(self, run: Run) -> Trained:
        """Train one model (or leave its weights random), certify it and read its activations."""
        twin = self._new(run.generator("weights"))
        twin.read(torch.zeros(1, 1, dtype=torch.long), [self.place])  # an unknown place is an error before training
        twin = twin.to(run.device).eval()
        games = self._games(run)
        model = twin
        if self.training == "trained":
            recipe = Recipe(self.steps, self.batch, precision=self.precision)
            model = self._new(run.generator("weights")).to(run.device)
            model = fit(model, games["training"], recipe, run.generator("order"), run.progress)
        public: dict[str, Tensor] = {}
        for split in SPLITS:
            tokens, played = torch.from_numpy(games[split].tokens), torch.from_numpy(games[split].played)
            index = points(played)
            public |= {f"{split}_tokens": tokens, f"{split}_played": played, f"{split}_index": index.int()}
            for place in self.places:
                public[f"{split}_{place}"] = activations_at(model, place, tokens, at_tokens(index)).bfloat16()
        checks, facts = self._certificate(run, model, twin, games["test"], public)
        weights = {name: weight.detach().cpu().contiguous() for name, weight in model.state_dict().items()}
        return Trained(weights=weights, public=public, checks=checks, facts=facts)

    def load(self, saved: Saved) -> ChessGPT:
        """The model in evaluation mode."""
        model = ChessGPT(length(self.moves), layers=self.layers, width=self.width, heads=self.heads)
        model.load_state_dict(dict(saved.weights))
        return model.to(saved.device).eval()

    def twin(self, saved: Saved) -> ChessGPT:
        """The same model before its training."""
        return self._new(saved.generator("weights")).to(saved.device).eval()

    @property
    def places(self) -> list[str]:
        """Where activations are kept: the residual stream behind each block."""
        return [f"block{layer}.residual" for layer in range(self.layers)]

    def _new(self, generator: torch.Generator) -> ChessGPT:
        model = ChessGPT(length(self.moves), layers=self.layers, width=self.width, heads=self.heads)
        initialised(model, generator)
        return model

    def _games(self, run: Run) -> dict[str, Games]:
        """Games to train on, and those whose activations are kept; no game of a file is in two of them."""
        counts = {"training": self.training_games if self.training == "trained" else 0}
        counts |= {"train": self.train_games, "validation": self.held_out_games, "test": self.held_out_games}
        if not self.games:
            return {name: random_games(n, self.moves, run.generator(f"{name} games")) for name, n in counts.items()}
        found, problems = recorded_games(Path(self.games).expanduser(), self.moves)
        for problem in problems:
            log.warning("%s", problem)
        asked = sum(counts.values())
        if len(found) < asked:
            raise TouchstoneError(
                f"games: {self.games} holds {len(found)} games that can be read, expected {asked}:"
                " training_games + train_games + 2 * held_out_games"
            )
        order = torch.randperm(len(found), generator=run.generator("recorded games")).numpy()
        ends = np.cumsum(list(counts.values()))
        return {name: found.taken(order[end - n : end]) for (name, n), end in zip(counts.items(), ends, strict=True)}

    def _certificate(
        self, run: Run, model: ChessGPT, twin: ChessGPT, test: Games, public: dict[str, Tensor]
    ) -> tuple[list[Check], dict[str, float]]:
        """Measured on held-out games: legal moves, the board in the activations, and what moves when it is moved."""
        tokens, follows = torch.from_numpy(test.tokens), torch.from_numpy(test.follows)
        asked = _some(public["test_index"].long(), run.generator("positions"))
        donors = donors_of(asked, run.generator("donors"))
        legal, elsewhere = legal_shares(model, tokens, follows, asked, donors)
        with torch.no_grad():
            losses = [
                float(surplus_loss(model(words[:, :-1].long().to(run.device)).cpu(), follow[:, :-1]))
                for words, follow in zip(tokens.split(250), follows.split(250), strict=True)
            ]
        labels = {s: board_labels(public[f"{s}_played"], public[f"{s}_index"]) for s in ("train", "test")}
        reading = partial(self._read, public, labels)
        facts = {
            "legal moves": legal,
            "legal moves of other games": elsewhere,
            "surplus loss": sum(losses) / len(losses),
            **{f"board F1 at {place}": reading(None, place) for place in self.places},
        }
        if self.training == "none":
            return [Check("legal moves without training", legal, UNTRAINED, at_least=False)], facts
        bare = {place: reading(twin, place) for place in self.places}
        moved = {place: exchange(model, place, tokens, follows, asked, donors) for place in self.places}
        facts |= {f"board F1 of random weights at {place}": value for place, value in bare.items()}
        for place, each in moved.items():
            facts |= {f"activations exchanged at {place}, surplus {k}": v for k, v in vars(each).items()}
        limits, here = thresholds(self.moves), moved[self.place]
        return [
            Check("legal moves", legal, limits.legal),
            Check("legal moves beyond those of other games", legal - elsewhere, limits.beyond),
            Check("board F1 above random weights", facts[f"board F1 at {self.place}"] - bare[self.place], limits.gap),
            Check(
                "surplus left after activations are exchanged", here.after / here.before, limits.left, at_least=False
            ),
        ], facts

    def _read(self, public: dict[str, Tensor], labels: dict[str, Tensor], twin: ChessGPT | None, place: str) -> float:
        """F1 of a linear read-out of the board on the test positions, of the model or of a twin."""

        def at(split: str) -> Tensor:
            if twin is None:
                return public[f"{split}_{place}"].float()
            return activations_at(twin, place, public[f"{split}_tokens"], at_tokens(public[f"{split}_index"]))

        return fit_probe(at("train"), labels["train"]).f1(at("test"), labels["test"])


def _some(index: Int[Tensor, "n 2"], generator: torch.Generator) -> Int[Tensor, "m 2"]:
    return index[torch.randperm(len(index), generator=generator)[:ASKED].sort().values]
