"""A transformer of two layers whose weights are compiled by hand to do induction: ... A B ... A -> B.

    two heads of layer 0    at each place, find the place before (by position) and write the token that stands there
    two heads of layer 1    find the place whose token before (as told by one of the two) was the one they stand on, and
                            vote for the token there
    suppressing head        likewise in layer 1, and votes against it, more weakly (variant `suppressed`)
    noise head              finds a token that means nothing and votes for answers at random
    all other heads         dense random weights, which write where nobody answers

A corrupted input is a sequence like the clean one with another pair of tokens, another order, and positions that begin
at another number; its answer is the wrong one of the logit difference. So each of the seven edges of an induction
circuit (Olsson et al. 2022, arXiv:2209.11895) carries something else, and cutting any one breaks it. Pairs come in
twos with right and wrong exchanged and the noise the same, so that noise moves no mean.

The weights alone do not show who listens to whom: every port also reads the whole stream, with large random weights,
into dimensions of its head that the other side leaves at 0 (keys where queries have noise, queries where keys have,
outputs where values have), and so does the answer into logits that are never asked for. All this adds exactly 0.
Residual dimensions and heads are permuted for each seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from benchmark.families.circuit import CircuitQuestion, CircuitTruth
from benchmark.subjects import Check, Run, Saved, Trained, generator_for, subject
from tasks.models.shared.circuit_certificate import certificate
from tasks.models.small_transformer.graph import AttentionGraph, HeadWeights

CONTENT, NOISE, PLACES, JUNK = 12, 4, 16, 8
"""Tokens that may be asked for, tokens without meaning, numbers of positions, and dimensions that nobody listens to."""
VOCABULARY = CONTENT + NOISE
WIDTH, SPARE = 16, 4
"""Dimensions of a head that are used, and those in which queries, or keys, read what nobody answers to."""
SPREAD, EXCESS = 1.0, 3.0
"""How unevenly (in logarithms) such reading weighs the parts of the stream, and how large it is beside the useful
one."""
LENGTH = 9
SHARPNESS = 36.0
"""Attention score of a match, against 0: exp(-36) is below what float32 adds to 1."""
NOISY = 0.2
"""The noise head's votes for or against are at most this and at least half; those of the two induction heads make 1."""
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
    def parts(self) -> list[Tensor]:
        """All parts."""
        return [self.token, self.place, self.before[0], self.before[1], self.vote, self.junk]

    @property
    def token(self) -> Tensor:
        """The token that stands here."""
        return self.rows(0, VOCABULARY)

    @property
    def place(self) -> Tensor:
        """Its position."""
        return self.rows(VOCABULARY, PLACES)

    @property
    def before(self) -> tuple[Tensor, Tensor]:
        """The token before it, as either of two heads tells it."""
        first = VOCABULARY + PLACES
        return self.rows(first, VOCABULARY), self.rows(first + VOCABULARY, VOCABULARY)

    @property
    def vote(self) -> Tensor:
        """Votes for the answer."""
        return self.rows(3 * VOCABULARY + PLACES, CONTENT)

    @property
    def junk(self) -> Tensor:
        """What dead heads write."""
        return self.rows(3 * VOCABULARY + PLACES + CONTENT, JUNK)

    def write(self, where: Tensor, values: Float[Tensor, "r c"]) -> Float[Tensor, "r d"]:
        """A matrix into the stream that writes `values` to these dimensions and nothing elsewhere."""
        matrix = torch.zeros(len(values), len(self.order))
        matrix[:, where] = values
        return matrix

    def read(self, where: Tensor, values: Float[Tensor, "r c"]) -> Float[Tensor, "d c"]:
        """A matrix out of the stream that reads these dimensions alone."""
        return self.write(where, values.T).T.contiguous()

    def idle(self, columns: int, size: float, draw: torch.Generator) -> Float[Tensor, "d columns"]:
        """A matrix out of the stream that reads all of it at random, some parts more than others, of norm `size`."""
        matrix = torch.randn(len(self.order), columns, generator=draw)
        for part in self.parts:
            matrix[part] *= (SPREAD * torch.randn((), generator=draw)).exp() / len(part) ** 0.5
        scaled: Tensor = matrix * size / matrix.norm()
        return scaled


@subject(cites="arXiv:2209.11895")
@dataclass(frozen=True, kw_only=True)
class SmallTransformer:
    """An induction circuit written into the weights of an attention-only transformer, among dead heads and a noisy
    one."""

    circuit: Literal["induction", "suppressed"] = "induction"
    heads: int = 4
    """Heads of each layer."""
    twos: int = 8
    """Half the number of pairs of inputs."""

    def plant(self, seed: int) -> Plant:
        """Write the weights of a seed, and the roles of all edges."""
        draw = generator_for(seed, "circuit")
        width = 3 * VOCABULARY + PLACES + CONTENT + JUNK
        stream = Stream(torch.randperm(width, generator=draw))
        kinds = [["before 0", "before 1", "noise"], ["induction 0", "induction 1"]]
        if self.circuit == "suppressed":
            kinds[1].append("suppressor 0")
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
            answer=torch.cat(
                [stream.read(stream.vote, torch.eye(CONTENT)), stream.idle(NOISE, EXCESS * CONTENT**0.5, draw)], 1
            ),
        ).eval()
        kind_of = ["tokens", "positions", *names, "answer"]
        roles = tuple(_role(kind_of[e.sender], kind_of[e.receiver], e.port) for e in graph.edges)
        return Plant(graph, roles)

    def pairs(self, seed: int) -> tuple[Tensor, Tensor, Tensor]:
        """Clean and corrupted inputs [n, t, tokens + positions], and the contrast [n, tokens]."""
        rows = [row for two in range(self.twos) for row in _two(generator_for(seed, f"pairs/{two}"))]
        clean, corrupted, contrast = (torch.stack(column) for column in zip(*rows, strict=True))
        return clean, corrupted, contrast

    def train(self, run: Run) -> Trained:
        """Compile the weights, make the pairs, and certify every role by cutting edges."""
        plant = self.plant(run.seed)
        clean, corrupted, contrast = self.pairs(run.seed)
        question = CircuitQuestion(
            graph=plant.graph, clean=clean, corrupted=corrupted, contrast=contrast, seed=run.seed
        )
        truth = CircuitTruth(roles=plant.roles)
        with torch.no_grad():
            right = (plant.graph(clean)[:, :CONTENT].argmax(-1) == contrast.argmax(-1)).float().mean()
        checks = [Check("share_of_right_answers", float(right), 0.95), *certificate(question, truth)]
        facts = {"edges": float(question.size), "share_in_the_circuit": float(truth.circuit.float().mean())}
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


def _role(sender: str, receiver: str, port: str) -> str:
    """The role of an edge between two kinds of node; what one of the two circuits tells is dead for the other."""
    (first, _, own), (second, _, other) = sender.partition(" "), receiver.partition(" ")
    return ROLES.get((first, second, port), "dead") if not own or not other or own == other else "dead"


def _head(kind: str, stream: Stream, draw: torch.Generator) -> HeadWeights:
    """The weights of one head, and what its ports read in vain. Its used dimensions are tokens or places, one each."""
    sharp = SHARPNESS**0.5
    tokens, silent = torch.eye(VOCABULARY, WIDTH), torch.zeros(len(stream.order), SPARE)
    kind, _, which = kind.partition(" ")
    if kind == "before":
        shifted = torch.eye(PLACES, WIDTH).roll(-1, 1)  # a query at place p finds the key of place p - 1
        shifted[0] = 0
        q = stream.read(stream.place, sharp * shifted)
        k = stream.read(stream.place, sharp * torch.eye(PLACES, WIDTH))
        v, o = stream.read(stream.token, tokens), stream.write(stream.before[int(which)], tokens.T)
    elif kind in ("induction", "suppressor"):
        votes = torch.eye(WIDTH, CONTENT) * (0.5 if kind == "induction" else -SUPPRESSION)
        q = stream.read(stream.token, sharp * tokens)
        k = stream.read(stream.before[int(which)], sharp * tokens)
        v, o = stream.read(stream.token, tokens), stream.write(stream.vote, votes)
    elif kind == "noise":
        anything, meaningless = torch.zeros(VOCABULARY, WIDTH), torch.zeros(VOCABULARY, WIDTH)
        anything[:, 0], meaningless[CONTENT:, 0] = sharp, sharp
        q, k = stream.read(stream.token, anything), stream.read(stream.token, meaningless)
        v = stream.read(stream.token, tokens * (torch.arange(VOCABULARY) >= CONTENT)[:, None])
        sizes, signs = torch.rand(2, WIDTH, CONTENT, generator=draw)
        o = stream.write(stream.vote, NOISY * (0.5 + sizes / 2) * (signs - 0.5).sign())
    else:
        q, k, v = (stream.idle(WIDTH, size * WIDTH**0.5, draw) for size in (sharp, sharp, 1.0))
        o = stream.write(stream.junk, torch.randn(WIDTH, JUNK, generator=draw) / JUNK**0.5)
    loud = EXCESS * sharp * WIDTH**0.5
    return HeadWeights(
        q=torch.cat([q, stream.idle(SPARE, loud, draw), silent], 1),
        k=torch.cat([k, silent, stream.idle(SPARE, loud, draw)], 1),
        v=torch.cat([v, stream.idle(2 * SPARE, EXCESS * WIDTH**0.5, draw)], 1),
        o=torch.cat([o, torch.zeros(2 * SPARE, len(stream.order))]),
    )


def _two(draw: torch.Generator) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Two pairs: the second has right and wrong exchanged, and the noise of the first."""
    asked = torch.randperm(CONTENT, generator=draw)
    contents = [_sequence(int(asked[cue]), int(asked[cue + 1]), asked[4:], draw) for cue in (0, 2)]
    noise = (CONTENT + torch.randperm(NOISE, generator=draw)[:2]).tolist()
    places = torch.randperm(2, generator=draw).tolist()
    starts = torch.randperm(PLACES - LENGTH + 1, generator=draw)[:2].tolist()
    for right, wrong in ((0, 1), (1, 0)):
        inputs = [
            _encoded([*contents[which][:place], token, *contents[which][place:]], start)
            for which, token, place, start in zip((right, wrong), noise, places, starts, strict=True)
        ]
        contrast = torch.zeros(VOCABULARY)
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
