"""The comparison of what dictionaries find: that neither side is handed the answer."""

import torch

from benchmark.speed.agreement import SHAPE, planted
from benchmark.speed.dictionaries import rule_of


def test_first_atoms_are_not_the_planted_directions():
    for seed in range(3):
        plant = planted(seed)
        start = rule_of("topk").start(torch.Generator().manual_seed(seed), plant.train, SHAPE.size, SHAPE.sparsity)
        assert float((plant.directions @ start.atoms.T).amax()) < 0.9
