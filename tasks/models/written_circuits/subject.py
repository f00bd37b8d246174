"""Networks of gates whose weights are written by hand, so that the role of every edge is known.

    signals, noise -> gates -> relays -> answer

In a clean input all signals are on, in a corrupted one off. Live gates turn two or three signals into 1 or 0, each in
its way (`gates`), and write to a live relay. Closed gates and closed relays read signals and gates of the same kinds,
with weights as large, and have a bias that they never overcome: all their edges are dead. Noise gates read noise, which
the corrupted inputs get in another order, and write it to the answer: it moves every single answer and no mean.

Which unit does what, how many signals it reads, all signs and magnitudes are drawn for each seed. Every input is read
once, every gate by one live and one closed relay, and weights come from the same distributions whatever the role, so
that neither the wiring nor the weights give it away. They are powers of two, so that gates get exactly 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import torch
from torch import Tensor

from benchmark.families.circuit import CircuitQuestion, CircuitTruth
from benchmark.families.circuit.units import Unit, Units
from benchmark.subjects import Run, Saved, Trained, generator_for, subject
from tasks.models.shared.circuit_certificate import certificate

T = TypeVar("T")

KINDS = {
    "linear": ("linear",) * 4,
    "and": ("and", "and", "and", "linear"),
    "or": ("or", "or", "or", "linear"),
    "suppressor": ("suppressor", "suppressor", "linear", "linear"),
    "saturated": ("saturated", "saturated", "saturated", "linear"),
    "mixed": ("linear", "and", "or", "suppressor", "saturated"),
}
"""The live gates of each variant."""
INPUT_ROLE = {
    "linear": "essential", "and": "and", "saturated": "and", "or": "or_redundant", "suppressor": "suppressor",
    "closed": "dead", "noise": "noise_reader",
}  # fmt: skip
OUTPUT_ROLE = {"suppressor": "suppressor", "closed": "dead", "noise": "noise_reader"}
"""`essential` for all others."""
RELAYS = ("live", "live", "closed", "closed")
CLOSED = 1000.0
LOUDNESS = 0.2
"""Standard deviation that each edge from a noise input adds to the answer, as a share of the whole effect."""
LEAST_SHARE = 0.06
"""No gate, none of its signals and no relay has a smaller share of the whole effect."""
LEAST_WHOLE = 0.4
"""What suppressors leave of the sum of all effects, at least."""


@dataclass(frozen=True)
class Plant:
    """The truth of a seed."""

    graph: Units
    roles: tuple[str, ...]
    redundant: tuple[tuple[int, ...], ...]
    """The edges into each `or` gate."""
    levels: tuple[float, ...]
    """What each input is when it is on; 0 for the inputs that are noise."""
    noise: tuple[float, ...]
    """Standard deviation of each input."""


class _Draw:
    """Everything random about one network."""

    def __init__(self, seed: int) -> None:
        self.generator = generator_for(seed, "circuit")

    def between(self, low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (), generator=self.generator))

    def shuffled(self, items: Iterable[T]) -> list[T]:
        given = list(items)
        return [given[place] for place in torch.randperm(len(given), generator=self.generator).tolist()]

    def dealt(self, count: int, places: Sequence[int]) -> list[int]:
        return self.shuffled(places[number % len(places)] for number in range(count))

    def magnitude(self) -> float:
        return 2.0 ** self.between(-1, 1)

    def weight(self) -> float:
        return self.magnitude() * self.shuffled((1.0, -1.0))[0]


@subject(cites="arXiv:2505.10039")
@dataclass(frozen=True, kw_only=True)
class WrittenCircuits:
    """Gates with hand-written weights between signals and an answer: every edge's role is known."""

    gates: Literal["linear", "and", "or", "suppressor", "saturated", "mixed"] = "mixed"
    closed: int = 4
    """Gates that never open."""
    noisy: int = 2
    """Gates that pass on noise."""
    pairs: int = 64

    def plant(self, seed: int) -> Plant:
        """Draw the network of a seed."""
        draw = _Draw(seed)
        kinds = draw.shuffled((*KINDS[self.gates], *["closed"] * self.closed, *["noise"] * self.noisy))
        reads = [draw.between(2, 3) for _ in kinds]
        relays = draw.shuffled(RELAYS)
        onward = [draw.weight() for _ in relays]
        live, shut = ([n for n, kind in enumerate(relays) if kind == wanted] for wanted in ("live", "closed"))
        heard, effects, whole = _heard(draw, kinds, reads, live, onward)
        unheard = draw.dealt(len(kinds), shut)

        edges: dict[tuple[str, str], tuple[float, str]] = {}
        levels, deviations = [0.0] * sum(reads), [0.0] * sum(reads)
        places = iter(draw.shuffled(range(sum(reads))))
        for number, (kind, count) in enumerate(zip(kinds, reads, strict=True)):
            for place in (next(places) for _ in range(count)):
                weight = draw.weight()
                if kind == "noise":
                    deviations[place] = LOUDNESS * whole / abs(weight * effects[number])
                else:  # what is read by a closed gate may be of any size; the others get exactly 1
                    levels[place] = draw.weight() if kind == "closed" else 1 / weight
                edges[f"x{place}", f"g{number}"] = (weight, INPUT_ROLE[kind])
            role = OUTPUT_ROLE.get(kind, "essential")
            edges[f"g{number}", f"r{heard[number]}"] = (effects[number] / onward[heard[number]], role)
            edges[f"g{number}", f"r{unheard[number]}"] = (draw.weight(), "dead")
        for number, kind in enumerate(relays):
            edges[f"r{number}", "answer"] = (onward[number], "essential" if kind == "live" else "dead")

        units = [Unit(f"x{place}", "input") for place in range(len(levels))]
        units += [_gate(f"g{n}", kind, count) for n, (kind, count) in enumerate(zip(kinds, reads, strict=True))]
        units += [_gate(f"r{n}", kind, 1) for n, kind in enumerate(relays)] + [Unit("answer")]
        redundant = [f"g{n}" for n, kind in enumerate(kinds) if kind == "or"]
        return _assembled(units, edges, redundant, tuple(levels), tuple(deviations))

    def inputs(self, plant: Plant, seed: int) -> tuple[Tensor, Tensor]:
        """Clean and corrupted inputs: signals on and off, and the same noise dealt to other pairs."""
        draw = generator_for(seed, "noise")
        noise = torch.tensor(plant.noise) * torch.randn(self.pairs, len(plant.noise), generator=draw)
        shift = int(torch.randint(1, self.pairs, (), generator=draw))
        return torch.tensor(plant.levels) + noise, noise.roll(shift, 0)

    def train(self, run: Run) -> Trained:
        """Draw the network and its inputs, and certify every role by cutting edges."""
        plant = self.plant(run.seed)
        clean, corrupted = self.inputs(plant, run.seed)
        contrast = torch.ones(self.pairs, 1)
        question = CircuitQuestion(
            graph=plant.graph, clean=clean, corrupted=corrupted, contrast=contrast, seed=run.seed
        )
        truth = CircuitTruth(roles=plant.roles)
        checks = certificate(question, truth, plant.redundant)
        facts = {"edges": float(question.size), "share_in_the_circuit": float(truth.circuit.float().mean())}
        return Trained({}, {"clean": clean, "corrupted": corrupted, "contrast": contrast}, checks, facts)

    def load(self, saved: Saved) -> Units:
        """The network, rebuilt from the seed: it is drawn and not learned, so nothing of it lies on disk."""
        return self.plant(saved.seed).graph.to(saved.device)


def _heard(
    draw: _Draw, kinds: Sequence[str], reads: Sequence[int], relays: Sequence[int], onward: Sequence[float]
) -> tuple[list[int], list[float], float]:
    """The live relay that each gate writes to, its effect on the answer when it gives 1, and the whole effect.

    Drawn until all live parts have their share: what cannot be measured cannot be asked for.
    """
    signs = {"suppressor": -1.0, "closed": 0.0, "noise": 0.0}
    while True:
        heard = draw.dealt(len(kinds), relays)
        effects = [draw.weight() * abs(onward[relay]) for relay in heard]
        effects = [abs(effect) * signs.get(kind, 1.0) or effect for effect, kind in zip(effects, kinds, strict=True)]
        gives = [
            count if kind in ("linear", "suppressor") else abs(signs.get(kind, 1.0))
            for kind, count in zip(kinds, reads, strict=True)
        ]
        outputs = [given * effect for given, effect in zip(gives, effects, strict=True)]
        whole = sum(outputs)
        parts = [effect for given, effect in zip(gives, effects, strict=True) if given]
        parts += [sum(output for output, own in zip(outputs, heard, strict=True) if own == relay) for relay in relays]
        if whole >= LEAST_WHOLE * sum(map(abs, outputs)) and min(map(abs, parts)) >= LEAST_SHARE * whole:
            return heard, effects, whole


def _gate(name: str, kind: str, count: int) -> Unit:
    """A unit that does on `count` signals what its kind says."""
    if kind == "and":
        return Unit(name, "relu", bias=1.0 - count)
    if kind == "or":
        return Unit(name, "cap")
    if kind == "saturated":  # an `and` that is driven twice as far as it can go: its slope is 0 where it is on
        return Unit(name, "clamp", bias=0.5 - count, gain=4.0)
    return Unit(name, "relu", bias=-CLOSED) if kind == "closed" else Unit(name)


def _assembled(
    units: Sequence[Unit],
    edges: Mapping[tuple[str, str], tuple[float, str]],
    redundant: Sequence[str],
    *inputs: tuple[float, ...],
) -> Plant:
    """The plant, its edges in the order of their nodes, which says nothing of their roles."""
    place = {unit.name: number for number, unit in enumerate(units)}
    ordered = sorted(edges, key=lambda pair: (place[pair[0]], place[pair[1]]))
    graph = Units(units, {pair: edges[pair][0] for pair in ordered}).eval()
    groups = tuple(tuple(n for n, pair in enumerate(ordered) if pair[1] == gate) for gate in redundant)
    return Plant(graph, tuple(edges[pair][1] for pair in ordered), groups, *inputs)
