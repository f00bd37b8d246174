"""Do our learners of dictionaries find what other packages' trainers find by the same rule?

    the rows of `_planted`; 96 atoms, L0 4, 2000 steps of 256 rows, learning rate .01, three seeds

Both train on the same rows with the same course of the learning rate. Rules with a penalty are brought to an equal L0:
ours steer to the asked one, the penalty of the others at which their L0 is ours is looked for on the first seed. Two
things are compared: the share of planted features with an atom of cosine above .9, and the share of the test rows'
variance that is explained. A difference is within noise, which is the limit in its row, if it lies in the 95 % interval
around none that the seeds' differences give, or is less than one feature of one dictionary. Figures of a single seed
say little: the first atoms alone move recall by several features.

Only the variance of relu_l1 lies outside, below both others'. Its penalty rises while the L0 that is steered to falls,
and in the steps that are left it has not come back to what that L0 needs; four times the steps close more than half of
the gap. `dictionary-learning` starts from random biases besides, which leave a quarter of its atoms dead, so that fewer
codes go to atoms that are no feature. At one fixed penalty both explain the same share.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from scipy import stats

from benchmark.learning.dictionaries import train
from benchmark.speed import Row
from benchmark.speed._dictionary_learning import PEER as DICTIONARY_LEARNING
from benchmark.speed._peer import Learn, Peer, Shape, installed
from benchmark.speed._planted import ACTIVE, DIMENSIONS, FEATURES, Found, Plant, judged, planted
from benchmark.speed._rules import rule_of
from benchmark.speed._sae_lens import PEER as SAE_LENS

PEERS = (DICTIONARY_LEARNING, SAE_LENS)
LEARNING_RATE = 1e-2
"""At a fifth of it neither side has found all features after as many steps."""
SHAPE = Shape(dimensions=DIMENSIONS, size=96, sparsity=ACTIVE, steps=2000, learning_rate=LEARNING_RATE)
SEEDS, TRIALS = 3, 4
LEAST = 1 / FEATURES
"""Differences below this are noise: one feature of one dictionary."""


def ours(method: str, plants: Sequence[Plant]) -> list[Found]:
    """Dictionaries by our rule, the seeds side by side."""
    coders = train(
        [plant.train for plant in plants],
        [SHAPE.sparsity] * len(plants),
        range(len(plants)),
        size=SHAPE.size,
        rule=rule_of(method),
        steps=SHAPE.steps,
        batch=SHAPE.batch,
        learning_rate=LEARNING_RATE,
    )
    found = []
    for coder, plant in zip(coders, plants, strict=True):
        codes = coder.encode(plant.test)
        found.append(judged(coder.atoms, codes @ coder.atoms + coder.bias, codes, plant))
    return found


def theirs(learn: Learn, method: str, plant: Plant, shape: Shape) -> Found:
    """A dictionary by the peer's trainer."""
    learned = learn(method, plant.train, shape)
    with torch.no_grad():
        codes = learned.encode(plant.test)
        return judged(learned.atoms, learned.decode(codes), codes, plant)


def penalty_for(learn: Learn, method: str, plant: Plant, bounds: tuple[float, float], l0: float) -> float:
    """The peer's penalty at which a row has `l0` codes, by halving its logarithm, then between what was tried."""
    low, high = np.log(bounds)
    tried: list[tuple[float, float]] = []
    for _ in range(TRIALS):
        middle = (low + high) / 2
        found = theirs(learn, method, plant, replace(SHAPE, penalty=float(np.exp(middle))))
        tried.append((found.l0, middle))
        low, high = (middle, high) if found.l0 > l0 else (low, middle)
    codes, at = np.array(sorted(tried)).T
    return float(np.exp(np.interp(l0, codes, at)))


def noise(differences: Sequence[float]) -> float:
    """How large a mean difference chance makes: half the width of its 95 % interval, and at least `LEAST`."""
    n = len(differences)
    half = stats.t.ppf(0.975, n - 1) * np.std(differences, ddof=1) / np.sqrt(n)
    return max(LEAST, float(half))


def measure(_profile: str) -> Iterator[Row]:
    """Recovered features and explained variance of ours and of the peers', for each rule that both have."""
    plants = [planted(seed) for seed in range(SEEDS)]
    own: dict[str, list[Found]] = {}
    for peer in PEERS:
        try:
            with installed(peer.packages) as folder:
                learn = peer.load(folder)
                for method in peer.shared:
                    if method not in own:
                        own[method] = ours(method, plants)
                    other = _others(peer, learn, method, plants, own[method])
                    yield from rows(f"agreement with {peer.name}, {method}", own[method], other)
        except subprocess.CalledProcessError:
            continue  # without a package index there is no peer to compare with


def _others(peer: Peer, learn: Learn, method: str, plants: Sequence[Plant], own: Sequence[Found]) -> list[Found]:
    bounds, penalty = peer.penalties.get(method), None
    if bounds is not None:
        penalty = penalty_for(learn, method, plants[0], bounds, float(np.mean([found.l0 for found in own])))
    return [
        theirs(learn, method, plant, replace(SHAPE, seed=seed, penalty=penalty)) for seed, plant in enumerate(plants)
    ]


def rows(what: str, own: Sequence[Found], other: Sequence[Found]) -> Iterator[Row]:
    """Means with their standard deviations over seeds, and how far the means are apart, with noise as the limit."""
    for name, unit in (("recall", "of the features"), ("variance", "of the variance"), ("l0", "codes a row")):
        pairs = np.array([[getattr(one, name), getattr(two, name)] for one, two in zip(own, other, strict=True)])
        means, spreads = pairs.mean(0), pairs.std(0, ddof=1)
        spread = f"{unit} (sd {spreads[0]:.3f}, other {spreads[1]:.3f})"
        yield Row(f"{what}: {name}", float(means[0]), spread, float(means[1]), higher_is_better=True)
        if name != "l0":
            apart = pairs[:, 0] - pairs[:, 1]
            yield Row(f"{what}: {name}, difference", float(abs(apart.mean())), unit, limit=noise(apart.tolist()))
