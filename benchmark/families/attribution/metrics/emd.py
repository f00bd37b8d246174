"""EMD accuracy (Clark et al. 2023, arXiv:2306.12816): how far must attribution be carried to lie in the truth?

    emd = 1 - least cost of moving  |a| / sum |a|  to  truth / |truth|,  cost: Euclidean distance between pixels,
                / distance between opposite corners

Optimal transport is solved exactly (Bonneel et al. 2011, doi:10.1145/2070781.2024192, as in POT). It forgives what
misses by a pixel and punishes what lies far off. The one normaliser is the greatest distance on the grid: 9.90 on 8 x 8
(the authors' code divides by 11.31 there, its comment and a later benchmark by 9.90, so that published scores differ
for the same map: 1 - emd is 1.143 times as large here as in that code).

The planted truth has 1; chance is what an even map has, which depends on where the truth lies. An explanation of part
of the truth is punished for the rest. Channels of a pixel lie at one place. An all-zero map counts as an even one.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionExplanation, AttributionTruth
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", perfect=1.0, cites="arXiv:2306.12816")
def emd(explanation: AttributionExplanation, truth: AttributionTruth) -> float:
    """1 - the normalised cost of transport between map and truth; mean over the inputs with a truth.

    Raises:
        Unsupported: the inputs have no places to measure distances between, or the truth is empty on all of them.
    """
    mask = truth.masks[""].cpu()
    if mask.ndim not in (3, 4):
        raise Unsupported(f"distances need a row or a grid of places, got inputs of shape {list(mask.shape[1:])}")
    strengths = _by_place(explanation.attributions.abs().double())
    wanted = _by_place(mask.double())
    shape = strengths.shape[1:]
    places = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1).reshape(-1, len(shape))
    farthest = math.dist(places[0], places[-1])
    costs = [
        _cost(map_of.flatten().numpy(), goal.flatten().numpy(), places) / farthest
        for map_of, goal in zip(strengths, wanted, strict=True)
        if bool(goal.any())
    ]
    if not costs:
        raise Unsupported("the truth is empty on every input: nothing is to be found there")
    return float(np.clip(1 - np.mean(costs), 0.0, 1.0))


def _by_place(values: Float[Tensor, "n ..."]) -> Float[Tensor, "n ..."]:
    """[n, channels, places] or [n, channels, h, w] without the channels."""
    return torch.as_tensor(values.sum(1))


def _cost(strengths: np.ndarray, wanted: np.ndarray, places: np.ndarray) -> float:
    """The least cost of transport between two maps, each scaled to a mass of 1; an empty one is even."""
    import ot  # takes seconds, and most who load this module measure no transport

    mass = strengths / strengths.sum() if strengths.sum() > 0 else np.full(len(strengths), 1 / len(strengths))
    goal = wanted / wanted.sum()
    # what lies where it should stay lies there: distances obey the triangle inequality
    stays = np.minimum(mass, goal)
    mass, goal = mass - stays, goal - stays
    sources, sinks = mass > 0, goal > 0
    if not sources.any() or not sinks.any():
        return 0.0
    distances = np.linalg.norm(places[sources][:, None] - places[sinks][None], axis=-1)
    mass, goal, moved = mass[sources], goal[sinks], goal.sum()
    cost: float = ot.emd2(mass / mass.sum(), goal / goal.sum(), distances, numItermax=10_000_000)
    return cost * float(moved)
