"""A transformer of two layers whose weights are compiled by hand to do induction: ... A B ... A -> B.

    a head of layer 0   at each place, finds the place before (by position) and writes the token that stands there
    a head of layer 1   finds the place whose token before was the one it stands on, and votes for the token there
    suppressing head    likewise in layer 1, and votes against it, more weakly (variant `suppressed`)
    noise head          finds a token that means nothing and votes for answers at random
    all other heads     dense random weights that read everything, and write where nothing but their like reads

A corrupted input is a sequence like the clean one with another pair of tokens, another order, and positions that begin
at another number; its answer is the wrong one of the logit difference. So each of the seven edges of the induction
circuit (Olsson et al. 2022, arXiv:2209.11895) carries something else, and cutting any one breaks it. Pairs come in
twos with right and wrong exchanged and the noise the same, so that noise moves no mean. Residual dimensions and heads
are permuted for each seed: with a permutation, what nobody reads adds exactly 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from benchmark.families.circuit import CircuitSubject, CircuitTruth
from benchmark.subjects import Check, Run, Saved, Trained, generator_for, subject
from tasks.models.shared.circuit_certificate import certificate
from tasks.models.small_transformer.graph import AttentionGraph, HeadWeights

CONTENT, NOISE, PLACES, JUNK = 12, 4, 16, 8
"""Tokens that may be asked for, tokens without meaning, numbers of positions, and dimensions that nobody listens to."""
VOCABULARY = CONTENT + NOISE
WIDTH = 16
"""Dimensions of a head."""
LENGTH = 9
SHARPNESS = 36.0
"""Attention score of a match, against 0: exp(-36) is below what float32 adds to 1."""
NOISY = 0.15
"""Standard deviation of the noise head's votes; the induction head's is 1."""
SUPPRESSION = 0.25
"""How strongly the suppressing head votes against it."""


@dataclass(frozen=True)
class Plant:
    """The truth of a seed."""

    graph: AttentionGraph
    roles: tuple[str, ...]


@dataclass(frozen=True)
class Stream:
    """Which dimensions of the residual stream hold what, after a permutation."""

    order: Int[Tensor, " d"]

    def rows(self, start: int, count: int) -> Int[Tensor, " count"]:
        """Where `count` dimensions from `start` on came to lie."""
        return self.order[start : start + count]

    @property
    def token(self) -> Tensor:
        """The token that stands here."""
        return self.rows(0, VOCABULARY)

    @property
    def place(self) -> Tensor:
        """Its position."""
        return self.rows(VOCABULARY, PLACES)

    @property
    def before(self) -> Tensor:
        """The token before it."""
        return self.rows(VOCABULARY + PLACES, VOCABULARY)

    @property
    def vote(self) -> Tensor:
        """Votes for the answer."""
        return self.rows(2 * VOCABULARY + PLACES, CONTENT)

    @property
    def junk(self) -> Tensor:
        """What dead heads write."""
        return self.rows(2 * VOCABULARY + PLACES + CONTENT, JUNK)

    def write(self, where: Tensor, values: Float[Tensor, "r c"]) -> Float[Tensor, "r d"]:
        """A matrix into the stream that writes `values` to these dimensions and nothing elsewhere."""
        matrix = torch.zeros(len(values), len(self.order))
        matrix[:, where] = values
        return matrix

    def read(self, where: Tensor, values: Float[Tensor, "r c"]) -> Float[Tensor, "d c"]:
        """A matrix out of the stream that reads these dimensions alone."""
        return self.write(where, values.T).T.contiguous()


@subject(cites="arXiv:2209.11895")
@dataclass(frozen=True, kw_only=True)
class SmallTransformer:
    """An induction circuit written into the weights of an attention-only transformer, among dead heads and a noisy
    one."""

    circuit: Literal["induction", "suppressed"] = "induction"
    heads: int = 3
    """Heads of each layer."""
    twos: int = 16
    """Half the number of pairs of inputs."""

    def plant(self, seed: int) -> Plant:
        """Write the weights of a seed, and the roles of all edges."""
        draw = generator_for(seed, "circuit")
        width = 2 * VOCABULARY + PLACES + CONTENT + JUNK
        stream = Stream(torch.randperm(width, generator=draw))
        kinds = [["before", "noise"], ["induction"] + ["suppressor"] * (self.circuit == "suppressed")]
        layers, names = [], []
        for wanted in kinds:
            filled = [*wanted, *["dead"] * (self.heads - len(wanted))]
            ordered = [filled[i] for i in torch.randperm(len(filled), generator=draw).tolist()]
            layers.append([_head(kind, stream, draw) for kind in ordered])
            names += ordered
        graph = AttentionGraph(
            tokens=stream.write(stream.token, torch.eye(VOCABULARY)),
            positions=stream.write(stream.place, torch.eye(PLACES)),
            layers=layers,
            answer=stream.read(stream.vote, torch.eye(CONTENT)),
        ).eval()
        kind_of = ["tokens", "positions", *names, "answer"]
        roles = tuple(ROLES.get((kind_of[e.sender], kind_of[e.receiver], e.port), "dead") for e in graph.edges)
        return Plant(graph, roles)

    def pairs(self, seed: int) -> tuple[Tensor, Tensor, Tensor]:
        """Clean and corrupted inputs [n, t, tokens + positions], and the contrast [n, tokens that may be asked for]."""
        rows = [row for two in range(self.twos) for row in _two(generator_for(seed, f"pairs/{two}"))]
        clean, corrupted, contrast = (torch.stack(column) for column in zip(*rows, strict=True))
        return clean, corrupted, contrast

    def train(self, run: Run) -> Trained:
        """Compile the weights, make the pairs, and certify every role by cutting edges."""
        plant = self.plant(run.seed)
        clean, corrupted, contrast = self.pairs(run.seed)
        posed = CircuitSubject(graph=plant.graph, clean=clean, corrupted=corrupted, contrast=contrast, seed=run.seed)
        truth = CircuitTruth(roles=plant.roles)
        with torch.no_grad():
            right = (plant.graph(clean).argmax(-1) == contrast.argmax(-1)).float().mean()
        checks = [Check("share_of_right_answers", float(right), 0.95), *certificate(posed, truth)]
        facts = {"edges": float(posed.size), "share_in_the_circuit": float(truth.circuit.float().mean())}
        return Trained({}, {"clean": clean, "corrupted": corrupted, "contrast": contrast}, checks, facts)

    def load(self, saved: Saved) -> AttentionGraph:
        """The transformer, compiled again from the seed: nothing of it was learned, so nothing lies on disk."""
        return self.plant(saved.seed).graph.to(saved.device)


ROLES = {
    ("positions", "before", "q"): "and",
    ("positions", "before", "k"): "and",
    ("tokens", "before", "v"): "and",
    ("before", "induction", "k"): "and",
    ("tokens", "induction", "q"): "and",
    ("tokens", "induction", "v"): "essential",
    ("induction", "answer", ""): "essential",
    ("before", "suppressor", "k"): "suppressor",
    ("tokens", "suppressor", "q"): "suppressor",
    ("tokens", "suppressor", "v"): "suppressor",
    ("suppressor", "answer", ""): "suppressor",
    ("tokens", "noise", "k"): "noise_reader",
    ("tokens", "noise", "v"): "noise_reader",
    ("noise", "answer", ""): "noise_reader",
}
"""(kind of sender, kind of receiver, port): role; all others are dead. The noise head's query is the same for all
tokens."""


def _head(kind: str, stream: Stream, draw: torch.Generator) -> HeadWeights:
    """The weights of one head. Head dimensions are tokens or places, one each."""
    sharp = SHARPNESS**0.5
    tokens = torch.eye(VOCABULARY, WIDTH)
    if kind == "before":
        shifted = torch.eye(PLACES, WIDTH).roll(-1, 1)  # a query at place p finds the key of place p - 1
        shifted[0] = 0
        return HeadWeights(
            q=stream.read(stream.place, sharp * shifted),
            k=stream.read(stream.place, sharp * torch.eye(PLACES, WIDTH)),
            v=stream.read(stream.token, tokens),
            o=stream.write(stream.before, tokens.T),
        )
    if kind in ("induction", "suppressor"):
        votes = torch.eye(WIDTH, CONTENT) * (1.0 if kind == "induction" else -SUPPRESSION)
        return HeadWeights(
            q=stream.read(stream.token, sharp * tokens),
            k=stream.read(stream.before, sharp * tokens),
            v=stream.read(stream.token, tokens),
            o=stream.write(stream.vote, votes),
        )
    if kind == "noise":
        anything, meaningless = torch.zeros(VOCABULARY, WIDTH), torch.zeros(VOCABULARY, WIDTH)
        anything[:, 0], meaningless[CONTENT:, 0] = sharp, sharp
        return HeadWeights(
            q=stream.read(stream.token, anything),
            k=stream.read(stream.token, meaningless),
            v=stream.read(stream.token, tokens * (torch.arange(VOCABULARY) >= CONTENT)[:, None]),
            o=stream.write(stream.vote, NOISY * torch.randn(WIDTH, CONTENT, generator=draw)),
        )
    width = len(stream.order)
    # as large as the matrices of the other heads: `sharp` times, or once, an identity of 16 dimensions
    q, k, v = (size * torch.randn(width, WIDTH, generator=draw) / width**0.5 for size in (sharp, sharp, 1.0))
    return HeadWeights(q, k, v, stream.write(stream.junk, torch.randn(WIDTH, JUNK, generator=draw) / JUNK**0.5))


def _two(draw: torch.Generator) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Two pairs: the second has right and wrong exchanged, and the noise of the first."""
    asked = torch.randperm(CONTENT, generator=draw)
    contents = [_sequence(*asked[cue : cue + 2].tolist(), asked[4:], draw) for cue in (0, 2)]
    noise = (CONTENT + torch.randperm(NOISE, generator=draw)[:2]).tolist()
    places = torch.randint(2, (2,), generator=draw).tolist()
    starts = torch.randperm(PLACES - LENGTH + 1, generator=draw)[:2].tolist()
    for right, wrong in ((0, 1), (1, 0)):
        inputs = [
            _encoded([*contents[which][:place], token, *contents[which][place:]], start)
            for which, token, place, start in zip((right, wrong), noise, places, starts, strict=True)
        ]
        contrast = torch.zeros(CONTENT)
        contrast[asked[2 * right + 1]], contrast[asked[2 * wrong + 1]] = 1.0, -1.0
        yield inputs[0], inputs[1], contrast


def _sequence(cue: int, answer: int, others: Tensor, draw: torch.Generator) -> list[int]:
    """Other tokens with the cue and its answer somewhere among them, and the cue again at the end."""
    filler = others[torch.randint(len(others), (LENGTH - 4,), generator=draw)].tolist()
    at = int(torch.randint(1, LENGTH - 3, (), generator=draw))
    return [*filler[:at], cue, answer, *filler[at:], cue]


def _encoded(tokens: list[int], start: int) -> Float[Tensor, "t i"]:
    """One-hot tokens beside one-hot positions from `start` on."""
    codes = torch.eye(VOCABULARY)[tokens]
    return torch.cat([codes, torch.eye(PLACES)[start : start + len(tokens)]], 1)
