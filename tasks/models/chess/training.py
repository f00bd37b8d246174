"""How the language model of moves is trained: on games made beforehand, in a new order each time.

The loss is the divergence of the model's next word from what may follow (`Games.follows`): of a random game every legal
move counts, which has the gradient of the one move that was played on average and far less noise, as with Othello. Of a
recorded game only the move that was played counts, and the loss is the cross-entropy. No board enters it.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from benchmark.errors import TouchstoneError
from tasks.models.chess.games import Games
from tasks.models.chess.gpt import ChessGPT
from tasks.models.othello.training import Recipe, _optimisers, _rate


def surplus(logits: Float[Tensor, "*n v"], follows: Int[Tensor, "*n w"]) -> Float[Tensor, " *n"]:
    """Cross-entropy beyond log(words that may follow), in nats; 0 is perfect, and where nothing may follow.

    Two moves with one word count twice, and leave a little that nobody can remove.
    """
    there = follows >= 0
    count = there.sum(-1)
    chosen = logits.gather(-1, follows.clamp(min=0).long()) * there
    over: Tensor = logits.logsumexp(-1) - chosen.sum(-1) / count.clamp(min=1) - count.clamp(min=1).log()
    return over * (count > 0)


def surplus_loss(logits: Float[Tensor, "b t v"], follows: Int[Tensor, "b t w"]) -> Float[Tensor, ""]:
    """Mean surplus of the tokens that something follows."""
    known = (follows >= 0).any(-1)
    return surplus(logits, follows).sum() / known.sum().clamp(min=1)


def legal_hits(logits: Float[Tensor, "*n v"], follows: Int[Tensor, "*n w"]) -> Bool[Tensor, " *n"]:
    """Whether the most probable word is one that may follow."""
    return (logits.argmax(-1, keepdim=True) == follows).any(-1)


def fit(
    model: ChessGPT, games: Games, recipe: Recipe, generator: torch.Generator, progress: Callable[..., None]
) -> ChessGPT:
    """Train `model` in place and return it; a loss that is not finite raises a `TouchstoneError`."""
    device = next(model.parameters()).device
    tokens, follows = torch.from_numpy(games.tokens[:, :-1]), torch.from_numpy(games.follows[:, :-1])
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
        loss = surplus_loss(logits.float(), follows[chosen].to(device))
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
