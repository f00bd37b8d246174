"""A small decoder: causal attention over tokens, read at the last place. Every activation is a module of its own.

    inputs [n, vocabulary, places], one-hot  ->  logits [n, classes]
    h += attention(norm(h));   h += mlp(norm(h));   logits = read(norm(h) at the last place)

The weights of each attention layer [n, heads, queries, keys] are what its `softmax`, an nn.Softmax, returns: there a
method that asks for attention finds them, and their gradients.

Heads tell places apart by how far back they lie: each has a learned bias for every distance (T5; Raffel et al. 2020,
arXiv:1910.10683). So that a pair of layers, of which the second needs what the first one does, sets out within a
hundred steps instead of after a long plateau, each head of the first layer starts out glancing at one distance, queries
and keys start out equal (what is alike attends to each other), and values keep their size. All of it is free to change.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

GLANCE = 6.0
"""The bias with which a head of the first layer starts out for its distance, against 0 for all others."""


class Attention(nn.Module):
    """Causal attention with a bias for each distance."""

    later: Tensor
    back: Tensor

    def __init__(self, width: int, heads: int, places: int) -> None:
        super().__init__()
        self.heads = heads
        self.reads = nn.Linear(width, 3 * width)
        self.near = nn.Parameter(torch.zeros(heads, places))
        self.softmax = nn.Softmax(dim=-1)
        self.writes = nn.Linear(width, width)
        queries, keys, values = self.reads.weight.data.split(width)
        keys.copy_(queries)
        for weights in (values, self.writes.weight.data):
            nn.init.normal_(weights, std=width**-0.5)
        nn.init.zeros_(self.reads.bias)
        place = torch.arange(places)
        back = place[:, None] - place
        self.register_buffer("later", back < 0, persistent=False)
        self.register_buffer("back", back.clamp(min=0), persistent=False)

    def forward(self, x: Float[Tensor, "n t d"]) -> Float[Tensor, "n t d"]:
        """What each place takes from those up to it."""
        n, t, d = x.shape
        q, k, v = self.reads(x).view(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        bias = self.near[:, self.back].masked_fill(self.later, -torch.inf)
        weights = self.softmax(q @ k.mT / math.sqrt(d // self.heads) + bias)
        taken: Tensor = self.writes((weights @ v).transpose(1, 2).reshape(n, t, d))
        return taken


class Layer(nn.Module):
    """Attention and a hidden layer, each beside a skip connection and behind a normalisation."""

    def __init__(self, width: int, heads: int, places: int, hidden: int) -> None:
        super().__init__()
        self.before = nn.LayerNorm(width)
        self.attention = Attention(width, heads, places)
        self.between = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, width))

    def forward(self, x: Float[Tensor, "n t d"]) -> Float[Tensor, "n t d"]:
        """The stream behind the layer."""
        x = x + self.attention(self.before(x))
        added: Tensor = x + self.mlp(self.between(x))
        return added


class Transformer(nn.Module):
    """Layers over embedded tokens, and logits from the last places together."""

    def __init__(
        self,
        vocabulary: int,
        places: int,
        classes: int,
        *,
        glances: Sequence[int],
        width: int = 32,
        layers: int = 2,
        hidden: int = 32,
        read: int = 1,
    ) -> None:
        """A head for each of `glances`, in all layers; in the first one they start out looking so many places back."""
        super().__init__()
        heads = len(glances)
        self.last = read
        self.embed = nn.Linear(vocabulary, width, bias=False)
        nn.init.normal_(self.embed.weight)
        stack = [Layer(width, heads, places, hidden) for _ in range(layers)]
        stack[0].attention.near.data[torch.arange(heads), torch.tensor(glances)] = GLANCE
        self.layers = nn.Sequential(*stack)
        self.norm = nn.LayerNorm(width)
        self.read = nn.Linear(read * width, classes)

    def forward(self, inputs: Float[Tensor, "n vocabulary places"]) -> Float[Tensor, "n classes"]:
        """Logits; inputs need not be one-hot."""
        stream = self.layers(self.embed(inputs.mT))
        logits: Tensor = self.read(self.norm(stream[:, -self.last :]).flatten(1))
        return logits
