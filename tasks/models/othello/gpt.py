"""A small GPT whose activations have names, to be read, replaced and run on from.

    model(tokens) -> logits                                      [games, plies, squares + 1]
    model.read(tokens, ["block1.residual"]) -> {place: activations}
    model.write(tokens, {"block1.residual": edit}) -> logits     edit: a tensor, or a function of the activations
    model.run_from("block1.residual", activations) -> logits

The residual stream passes the places "embedding", then for each block "block0.middle" (attention added) and
"block0.residual" (MLP added), then "final" (normalised; the logits are a linear map of it). Everything behind such a
place depends on it alone, so these can be run on from. "block0.attention", "block0.neurons" (after GELU) and
"block0.mlp" are parts of what a block adds; they can be read and written. The architecture is GPT-2's (pre-norm,
GELU, learned positions), as in Li et al. 2023 (arXiv:2210.13382), without biases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from benchmark.errors import TouchstoneError, UnknownNameError

At = Callable[[str, Tensor], Tensor]
Edit = Tensor | Callable[[Tensor], Tensor]


class Block(nn.Module):
    """Attention to this and earlier plies, then an MLP; both read the normalised stream."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(width, bias=False)
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.attention_out = nn.Linear(width, width, bias=False)
        self.mlp_norm = nn.LayerNorm(width, bias=False)
        self.up = nn.Linear(width, 4 * width, bias=False)
        self.down = nn.Linear(4 * width, width, bias=False)

    def attention(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
        """What attention adds to the stream."""
        b, t, d = x.shape
        qkv = self.query_key_value(self.attention_norm(x)).view(b, t, 3, self.heads, d // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        added: Tensor = self.attention_out(mixed.transpose(1, 2).reshape(b, t, d))
        return added

    def mlp(self, x: Float[Tensor, "*n d"], neurons: Callable[[Tensor], Tensor]) -> Float[Tensor, "*n d"]:
        """What the MLP adds to the stream; `neurons` sees its hidden activations and may replace them."""
        added: Tensor = self.down(neurons(F.gelu(self.up(self.mlp_norm(x)))))
        return added


class OthelloGPT(nn.Module):
    """The language model of moves. Token `size**2` is padding behind a game's end."""

    def __init__(self, size: int, *, layers: int, width: int, heads: int) -> None:
        super().__init__()
        if width % heads:
            raise TouchstoneError(f"heads: got {heads}, expected a divisor of the width {width}")
        self.size, self.layers, self.width = size, layers, width
        self.context = size * size - 4
        self.tokens = nn.Embedding(size * size + 1, width)
        self.plies = nn.Parameter(torch.zeros(self.context, width))
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width, bias=False)
        self.head = nn.Linear(width, size * size + 1, bias=False)

    @property
    def in_order(self) -> list[Block]:
        """The blocks, from the first to the last."""
        return [cast(Block, block) for block in self.blocks]

    @property
    def stream(self) -> list[str]:
        """The places of the residual stream, in the order of the computation: those that can be run on from."""
        return [
            "embedding",
            *(f"block{i}.{part}" for i in range(self.layers) for part in ("middle", "residual")),
            "final",
        ]

    @property
    def places(self) -> list[str]:
        """All places where activations can be read and written."""
        return self.stream + [
            f"block{i}.{part}" for i in range(self.layers) for part in ("attention", "neurons", "mlp")
        ]

    def forward(self, tokens: Int[Tensor, "b t"]) -> Float[Tensor, "b t v"]:
        """Logits of the next move after each ply."""
        return self._run(0, self._embedded(tokens), _unchanged)

    def read(self, tokens: Int[Tensor, "b t"], places: Iterable[str]) -> dict[str, Float[Tensor, "b t d"]]:
        """Activations at `places`; width `width`, or `4 * width` at neurons."""
        found = {self._known(place): torch.empty(0) for place in places}

        def at(place: str, x: Tensor) -> Tensor:
            if place in found:
                found[place] = x
            return x

        self._run(0, self._embedded(tokens), at)
        return found

    def write(self, tokens: Int[Tensor, "b t"], edits: Mapping[str, Edit]) -> Float[Tensor, "b t v"]:
        """Logits when the activations at some places are replaced: by a tensor, or by what a function makes of them."""
        for place in edits:
            self._known(place)

        def at(place: str, x: Tensor) -> Tensor:
            edit = edits.get(place)
            return x if edit is None else _same_shape(place, edit(x) if callable(edit) else edit, x.shape)

        return self._run(0, self._embedded(tokens), at)

    def run_from(self, place: str, activations: Float[Tensor, "b t d"]) -> Float[Tensor, "b t v"]:
        """Logits that follow from the residual stream at `place`, one of `stream`.

        Whole games are needed where attention follows; behind the last attention, single positions [n, d] will do.
        """
        if self._known(place) not in self.stream:
            raise TouchstoneError(
                f"run_from {place!r}: the logits do not follow from it alone; use write(tokens, {{{place!r}: ...}}),"
                f" or run from one of {', '.join(self.stream)}"
            )
        start = self.stream.index(place)
        single = activations.ndim == 2 and start >= len(self.stream) - 3
        if (activations.ndim != 3 and not single) or activations.shape[-1] != self.width:
            raise TouchstoneError(
                f"run_from {place!r}: got activations of shape {tuple(activations.shape)},"
                f" expected [games, plies, {self.width}]{' or [n, width]' if start >= len(self.stream) - 3 else ''}"
            )
        return self._run(start, activations, _unchanged)

    def _embedded(self, tokens: Int[Tensor, "b t"]) -> Float[Tensor, "b t d"]:
        if tokens.ndim != 2 or tokens.shape[1] > self.context:
            raise TouchstoneError(f"tokens: got shape {tuple(tokens.shape)}, expected [games, at most {self.context}]")
        embedded: Tensor = self.tokens(tokens)
        return embedded + self.plies[: tokens.shape[1]]

    def _run(self, start: int, x: Tensor, at: At) -> Float[Tensor, "b t v"]:
        """Run on from the `start`-th place of the stream, with activations `x`; `at` may replace those of a place."""
        x = at(self.stream[start], x)
        for i, block in enumerate(self.in_order):
            if start <= 2 * i:
                x = at(f"block{i}.middle", x + at(f"block{i}.attention", block.attention(x)))
            if start <= 2 * i + 1:
                added = block.mlp(x, partial(at, f"block{i}.neurons"))
                x = at(f"block{i}.residual", x + at(f"block{i}.mlp", added))
        if start <= 2 * self.layers:
            x = at("final", self.norm(x))
        logits: Tensor = self.head(x)
        return logits

    def _known(self, place: str) -> str:
        if place not in self.places:
            raise UnknownNameError("place", place, self.places, where="the model")
        return place


def initialised(model: OthelloGPT, generator: torch.Generator) -> OthelloGPT:
    """Draw the weights: Gaussian of variance 1 / inputs, 2 * layers times smaller where they write into the stream."""
    into_stream = {id(w) for block in model.in_order for w in (block.attention_out.weight, block.down.weight)}
    with torch.no_grad():
        for name, weight in sorted(model.named_parameters()):
            if weight.ndim < 2:
                weight.fill_(1.0)
                continue
            std = 0.5 if name in ("tokens.weight", "plies") else weight.shape[1] ** -0.5
            std /= (2 * model.layers) ** 0.5 if id(weight) in into_stream else 1.0
            weight.copy_(torch.randn(weight.shape, generator=generator) * std)
    return model


def _unchanged(place: str, x: Tensor) -> Tensor:  # noqa: ARG001
    return x


def _same_shape(place: str, edited: Tensor, shape: torch.Size) -> Tensor:
    if edited.shape != shape:
        raise TouchstoneError(
            f"write {place!r}: got activations of shape {tuple(edited.shape)}, expected {tuple(shape)}"
        )
    return edited
