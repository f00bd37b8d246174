"""Do our learners of dictionaries find what the `dictionary-learning` package 0.1.0 finds by the same rule?

    64 features in 32 dimensions, 4 on in a row, noise .05; 96 atoms, L0 4, 2000 steps of 256 rows, equal learning rate

Both train on the same rows. Rules with a penalty are brought to the asked L0: ours steer to it, the peer's penalty is
looked for on the first seed. Two things are compared, means over three seeds: the share of planted features with an
atom of cosine above 0.9, and the share of the test rows' variance that is explained.
"""

from __future__ import annotations

import subprocess
import types
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.learning.dictionaries import train
from benchmark.speed import Row
from benchmark.speed._peer import PENALISED, SHARED, Shape, installed, trainer_of, trainers_of
from benchmark.speed.dictionaries import rule_of
from benchmark.subjects import generator_for

FEATURES, ACTIVE, NOISE, ROWS = 64, 4, 0.05, 20000
SHAPE = Shape(dimensions=32, size=96, sparsity=ACTIVE, steps=2000, learning_rate=2e-3)
BATCH, SEEDS, TRIALS = 256, 3, 6


@dataclass(frozen=True)
class Plant:
    """Rows to learn from, rows to be judged on, and the directions that they are sums of."""

    train: Float[Tensor, "n d"]
    test: Float[Tensor, "t d"]
    directions: Float[Tensor, "g d"]


@dataclass(frozen=True)
class Found:
    """What a dictionary has found."""

    recall: float
    variance: float
    l0: float


def planted(seed: int) -> Plant:
    """Sparse features of random strength in random directions."""
    # not from the bare seed: a learner draws its first atoms from that, and they would be these very directions
    generator = generator_for(seed, "planted features")
    d = SHAPE.dimensions
    directions = torch.nn.functional.normalize(torch.randn(FEATURES, d, generator=generator), dim=1)
    on = torch.rand(ROWS, FEATURES, generator=generator) < ACTIVE / FEATURES
    codes = on * (0.5 + torch.rand(ROWS, FEATURES, generator=generator))
    rows = codes @ directions + NOISE * torch.randn(ROWS, d, generator=generator)
    return Plant(rows[: ROWS // 2], rows[ROWS // 2 :], directions)


def judged(
    atoms: Float[Tensor, "m d"], rebuilt: Float[Tensor, "t d"], codes: Float[Tensor, "t m"], plant: Plant
) -> Found:
    """Recall of the directions, explained variance and L0."""
    nearest = (plant.directions @ torch.nn.functional.normalize(atoms, dim=1).T).amax(1)
    left, spread = (rebuilt - plant.test).square().sum(), (plant.test - plant.test.mean(0)).square().sum()
    return Found(
        float((nearest > 0.9).float().mean()), float(1 - left / spread), float((codes > 0).sum(1).float().mean())
    )


def ours(method: str, plant: Plant, shape: Shape) -> Found:
    """A dictionary by our rule."""
    (coder,) = train(
        [plant.train],
        [shape.sparsity],
        [shape.seed],
        size=shape.size,
        rule=rule_of(method),
        steps=shape.steps,
        batch=BATCH,
        learning_rate=shape.learning_rate or 2e-3,
    )
    codes = coder.encode(plant.test)
    return judged(coder.atoms, codes @ coder.atoms + coder.bias, codes, plant)


def theirs(trainers: types.ModuleType, method: str, plant: Plant, shape: Shape) -> Found:
    """A dictionary by the peer's trainer."""
    trainer = trainer_of(trainers, method, shape)
    generator = torch.Generator().manual_seed(shape.seed)
    for step in range(shape.steps):
        trainer.update(step, plant.train[torch.randint(len(plant.train), (BATCH,), generator=generator)])
    with torch.no_grad():
        return judged(_atoms(trainer.ae), trainer.ae(plant.test), trainer.ae.encode(plant.test), plant)


def _atoms(dictionary: Any) -> Float[Tensor, "m d"]:
    written: Tensor = dictionary.W_dec if hasattr(dictionary, "W_dec") else dictionary.decoder.weight.T
    return written.detach()


def penalty_for(trainers: types.ModuleType, method: str, plant: Plant) -> float:
    """The peer's penalty at which a row has about as many codes as are asked for, by halving its logarithm."""
    low, high = np.log(1e-3), np.log(3.0)
    for _ in range(TRIALS):
        middle = (low + high) / 2
        found = theirs(trainers, method, plant, replace(SHAPE, penalty=float(np.exp(middle))))
        low, high = (middle, high) if found.l0 > SHAPE.sparsity else (low, middle)
    return float(np.exp((low + high) / 2))


def measure(_profile: str) -> Iterator[Row]:
    """Recovered features and explained variance of ours and of the peer's, for each rule that both have."""
    try:
        with installed() as folder:
            trainers = trainers_of(folder)
            for method in SHARED:
                yield from _compared(trainers, method)
    except subprocess.CalledProcessError:
        return  # without a package index there is no peer to compare with


def _compared(trainers: types.ModuleType, method: str) -> Iterator[Row]:
    penalty = penalty_for(trainers, method, planted(0)) if method in PENALISED else None
    found: list[tuple[Found, Found]] = []
    for seed in range(SEEDS):
        plant, shape = planted(seed), replace(SHAPE, seed=seed, penalty=penalty)
        found.append((ours(method, plant, shape), theirs(trainers, method, plant, shape)))
    for name, unit in (("recall", "of the features"), ("variance", "of the variance"), ("l0", "codes a row")):
        sides = np.array([[getattr(side, name) for side in pair] for pair in found]).mean(0)
        yield Row(f"agreement, {method}: {name}", float(sides[0]), unit, float(sides[1]), higher_is_better=True)
