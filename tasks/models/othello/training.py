"""How the language model of moves is trained: on random games, made as it goes, each seen once.

The loss is the cross-entropy of the next move. The players choose uniformly among their legal moves, so its
expectation over that choice is known: minus the mean log-probability of the legal moves. Training on this expectation
instead of on the one move that was played has the same gradient on average and far less noise. `surplus` is the part
above the least possible loss, log(legal moves).

Matrices inside the blocks are trained by Muon, everything else by Adam (arXiv:1412.6980).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from benchmark.errors import TouchstoneError
from tasks.models.othello.games import CHUNK, random_games
from tasks.models.othello.gpt import OthelloGPT
from tasks.models.othello.labels import unpacked
from tasks.models.othello.muon import Muon


@dataclass(frozen=True)
class Batch:
    """Games cut to what the model reads: move t, and the moves that are legal after it."""

    tokens: Int[Tensor, "b t"]
    legal: Bool[Tensor, "b t squares"]


def batches(size: int, games: int, generator: torch.Generator, device: torch.device) -> Iterator[Batch]:
    """Endless fresh batches of `games` games."""
    while True:
        made = random_games(size, max(games, CHUNK // games * games), generator)
        for start in range(0, len(made), games):
            part = slice(start, start + games)
            tokens = torch.from_numpy(made.tokens[part, :-1].astype("int64"))
            legal = torch.from_numpy(unpacked(made.legal[part, 1:-1], size))
            yield Batch(tokens.to(device, non_blocking=True), legal.to(device, non_blocking=True))


def surplus_loss(logits: Float[Tensor, "b t v"], legal: Bool[Tensor, "b t squares"]) -> Float[Tensor, ""]:
    """Mean over positions of the divergence from the true distribution of the next move, in nats; 0 is perfect."""
    count = legal.sum(-1)
    known = count > 0  # some move follows
    mean_legal = (logits[..., : legal.shape[-1]] * legal).sum(-1) / count.clamp(min=1)
    surplus = logits.logsumexp(-1) - mean_legal - count.clamp(min=1).log()
    return (surplus * known).sum() / known.sum().clamp(min=1)


def legal_rate(logits: Float[Tensor, "b t v"], legal: Bool[Tensor, "b t squares"]) -> float:
    """Share of positions, with a move to follow, whose most probable token is a legal move."""
    best = logits.argmax(-1, keepdim=True)
    padded = torch.nn.functional.pad(legal, (0, logits.shape[-1] - legal.shape[-1]))
    return float(padded.gather(-1, best).sum() / legal.any(-1).sum())


@dataclass(frozen=True)
class Recipe:
    """How long and how fast."""

    steps: int
    games: int
    """Games a step."""
    muon_rate: float = 0.04
    adam_rate: float = 3e-3
    cooling: float = 0.5
    """The last share of the steps, in which the rates fall linearly to zero."""
    precision: str = "float32"


def fit(model: OthelloGPT, recipe: Recipe, generator: torch.Generator, progress: Callable[..., None]) -> OthelloGPT:
    """Train `model` in place and return it; a loss that is not finite raises a `TouchstoneError`."""
    device = next(model.parameters()).device
    optimisers = _optimisers(model, recipe)
    schedules = [torch.optim.lr_scheduler.LambdaLR(o, lambda step: _rate(step, recipe)) for o in optimisers]
    source = batches(model.size, recipe.games, generator, device)
    mixed = recipe.precision == "bfloat16"
    model.train()
    for step in range(recipe.steps):
        batch = next(source)
        with torch.autocast(device.type, torch.bfloat16, enabled=mixed):
            logits = model(batch.tokens)
        loss = surplus_loss(logits.float(), batch.legal)
        for optimiser in optimisers:
            optimiser.zero_grad(set_to_none=True)
        loss.backward()
        for optimiser, schedule in zip(optimisers, schedules, strict=True):
            optimiser.step()
            schedule.step()
        if step % 10 == 9 or step == recipe.steps - 1:  # reading the loss waits for the device
            value = float(loss.detach())
            if value != value or value == float("inf"):
                raise TouchstoneError(
                    f"training the language model: the loss is {value} at step {step + 1} of {recipe.steps};"
                    f" rates {recipe.muon_rate:g} and {recipe.adam_rate:g} may be too high"
                )
            progress(step + 1, recipe.steps, loss=value, legal=legal_rate(logits, batch.legal))
    return model.eval()


def _rate(step: int, recipe: Recipe) -> float:
    """The factor on all rates: a short linear rise, a plateau, a linear fall."""
    rise = min(1.0, (step + 1) / max(1, min(50, recipe.steps // 10)))
    fall = min(1.0, (recipe.steps - step) / max(1, recipe.cooling * recipe.steps))
    return min(rise, fall)


def _optimisers(model: OthelloGPT, recipe: Recipe) -> list[torch.optim.Optimizer]:
    blocks = model.in_order
    stacked = [([block.query_key_value.weight for block in blocks], 3)]
    stacked += [
        (list(weights), 1)
        for weights in zip(*((b.attention_out.weight, b.up.weight, b.down.weight) for b in blocks), strict=True)
    ]
    groups: list[dict[str, object]] = [{"params": weights, "parts": parts} for weights, parts in stacked]
    inside = {id(w) for weights, _ in stacked for w in weights}
    rest = [w for w in model.parameters() if id(w) not in inside]
    return [Muon(groups, recipe.muon_rate), torch.optim.Adam(rest, recipe.adam_rate, betas=(0.9, 0.98), eps=1e-10)]
