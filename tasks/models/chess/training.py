"""How the language model of characters is trained: on games made beforehand, in a new order each time.

The loss is the divergence of the model's next character from what may follow (`Games.targets`): of a random game every
legal move counts, which has the gradient of the one move that was played on average and far less noise, as with
Othello. Of a recorded game only the move that was played counts, and the loss is the cross-entropy. What the loss is
made of are texts of legal moves alone: no board enters it.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from benchmark.errors import TouchstoneError
from tasks.models.chess.games import Games
from tasks.models.chess.gpt import ChessGPT
from tasks.models.othello.training import Recipe, _optimisers, _rate


def divergence(logits: Float[Tensor, "*n v"], targets: Int[Tensor, "*n v"]) -> Float[Tensor, " *n"]:
    """Kullback-Leibler divergence from what may follow, in nats; 0 where nothing may follow."""
    counts = targets.float()
    likely = counts / counts.sum(-1, keepdim=True).clamp(min=1)
    gap: Tensor = torch.xlogy(likely, likely) - likely * logits.log_softmax(-1)
    return gap.sum(-1)


def surplus_loss(logits: Float[Tensor, "b t v"], targets: Int[Tensor, "b t v"]) -> Float[Tensor, ""]:
    """Mean divergence of the characters that something follows; 0 is perfect."""
    known = (targets > 0).any(-1)
    return divergence(logits, targets).sum() / known.sum().clamp(min=1)


def fit(
    model: ChessGPT, games: Games, recipe: Recipe, generator: torch.Generator, progress: Callable[..., None]
) -> ChessGPT:
    """Train `model` in place and return it; a loss that is not finite raises a `TouchstoneError`."""
    device = next(model.parameters()).device
    tokens, targets = torch.from_numpy(games.tokens), torch.from_numpy(games.targets)
    optimisers = _optimisers(model, recipe)
    schedules = [torch.optim.lr_scheduler.LambdaLR(o, lambda step: _rate(step, recipe)) for o in optimisers]
    mixed = recipe.precision == "bfloat16"
    left = torch.empty(0, dtype=torch.long)
    model.train()
    for step in range(recipe.steps):
        if len(left) < recipe.games:
            left = torch.randperm(len(tokens), generator=generator)
        chosen, left = left[: recipe.games], left[recipe.games :]
        with torch.autocast(device.type, torch.bfloat16, enabled=mixed):
            logits = model(tokens[chosen].long().to(device))
        loss = surplus_loss(logits.float(), targets[chosen].to(device))
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
            progress(step + 1, recipe.steps, loss=value)
    return model.eval()
