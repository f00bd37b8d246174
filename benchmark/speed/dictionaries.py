"""How fast dictionaries train, beside the trainers of the `dictionary-learning` package 0.1.0, in one run.

    with installed(PEER.packages) as folder:
        rows = compare(folder)

Both train on the same activations at equal width, batch and steps, one dictionary each, a few steps in turns; the
fastest turn counts, because on a busy machine anything else measures the neighbours. Ours is timed in the state in
which it spends most of its training: at the asked L0.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmark.learning.dictionaries import Training
from benchmark.learning.rules import Rule
from benchmark.speed import Row, seconds
from benchmark.speed._dictionary_learning import PEER, trainer_of, trainers_of
from benchmark.speed._peer import Shape, installed
from benchmark.speed._rules import rule_of

WARM = 300  # steps of ours before the clock starts: sparse by then, as in most of a training
CONSECUTIVE = 5
WIDTH, ATOMS, BATCH = 128, 1024, 2048


@dataclass(frozen=True)
class Measurement:
    """One line of the speed table; the ratio is above 1 where ours is faster."""

    what: str
    ours: float
    other: float
    unit: str = "samples/s"

    @property
    def ratio(self) -> float:
        """Ours over the other."""
        return self.ours / self.other


def compare(
    folder: Path, *, d: int = WIDTH, m: int = ATOMS, batch: int = BATCH, sparsity: int = 32, rounds: int = 25
) -> list[Measurement]:
    """Samples a second of each shared rule, ours and the peer's, at equal width, batch and number of threads."""
    trainers = trainers_of(folder)
    activations = planted_activations(d, 4 * batch)
    shape = Shape(d, m, sparsity, steps=10 * rounds * CONSECUTIVE)
    found = []
    for name in PEER.shared:
        trainer = trainer_of(trainers, name, shape)
        ours = step_of(rule_of(name), activations, m=m, batch=batch, sparsity=sparsity)
        theirs = _peer_step(trainer, activations, batch)
        best = in_turns(ours, theirs, rounds)
        what = (
            f"dictionary step, {name} (d={d}, m={m}, batch {batch}, L0 {sparsity}, {torch.get_num_threads()} threads)"
        )
        found.append(Measurement(what, batch / best[0], batch / best[1]))
    return found


def planted_activations(d: int, rows: int, *, features: int = 512, active: int = 16) -> Tensor:
    """Rows of `features` sparse random directions, so that sparse codes exist."""
    generator = torch.Generator().manual_seed(0)
    directions = torch.nn.functional.normalize(torch.randn(features, d, generator=generator), dim=1)
    on = torch.rand(rows, features, generator=generator) < active / features
    return on.float() @ directions + 0.02 * torch.randn(rows, d, generator=generator)


def step_of(rule: Rule[Any], activations: Tensor, *, m: int, batch: int, sparsity: int) -> Callable[[], object]:
    """One training step of ours, of a training that has reached the asked L0."""
    training = Training([activations], [sparsity], [0], size=m, rule=rule, steps=WARM, batch=batch, learning_rate=2e-3)
    for _ in range(WARM):
        training.advance()
    return training.advance


def _peer_step(trainer: Any, activations: Tensor, batch: int) -> Callable[[], None]:
    at = iter(range(10**9))

    def once() -> None:
        number = next(at)
        chosen = (torch.arange(batch) + batch * number) % len(activations)
        trainer.update(number, activations[chosen])

    return once


def in_turns(ours: Callable[[], object], theirs: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Seconds of a step in the fastest round of each: rounds of consecutive steps, as in training, in turns."""
    best = [float("inf"), float("inf")]
    for _ in range(rounds):
        for which, once in enumerate((ours, theirs)):
            once()  # after the other one's turn caches are cold
            start = time.perf_counter()
            for _ in range(CONSECUTIVE):
                once()
            best[which] = min(best[which], (time.perf_counter() - start) / CONSECUTIVE)
    return best[0], best[1]


def product_rate(d: int, m: int, batch: int) -> float:
    """Rows a second that this machine multiplies with a matrix [d, m], the product that every step has to make."""
    rows, matrix = torch.randn(batch, d), torch.randn(d, m)
    out = torch.empty(batch, m)
    return batch / seconds(lambda: torch.mm(rows, matrix, out=out), repeats=50)


RATIO_ASKED = 3.0


def measure(_profile: str) -> Iterator[Row]:
    """Samples a second of ours and of the peer's trainers; ours should reach three times theirs."""
    try:
        with installed(PEER.packages) as folder:
            found = compare(folder)
    except subprocess.CalledProcessError:
        return  # without a package index there is no peer to compare with
    product = product_rate(WIDTH, ATOMS, BATCH)
    yield Row("rows multiplied by a dictionary's encoder, and nothing else", product, "samples/s")
    for one in found:
        limit = RATIO_ASKED * one.other
        yield Row(one.what, one.ours, one.unit, one.other, limit, higher_is_better=True)
        yield Row(f"{one.what}: of the rate of that product", one.ours / product, "of the rate")
