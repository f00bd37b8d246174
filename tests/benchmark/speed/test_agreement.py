"""The comparison of what dictionaries find: that neither side is handed the answer, and what its figures mean."""

import importlib
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmark.speed._peer import Learned, Shape, batches, imported
from benchmark.speed._planted import Found, Plant, judged, planted
from benchmark.speed._rules import prefixes_of, rule_of
from benchmark.speed.agreement import LEAST, PEERS, SHAPE, noise, penalty_for, rows


def test_first_atoms_are_not_the_planted_directions():
    for seed in range(3):
        plant = planted(seed)
        start = rule_of("topk").start(torch.Generator().manual_seed(seed), plant.train, SHAPE.size, SHAPE.sparsity)
        assert float((plant.directions @ start.atoms.T).amax()) < 0.9


def test_planted_rows_have_mean_squared_length_one():
    plant = planted(0)
    together = torch.cat([plant.train, plant.test])
    assert float(together.square().sum(1).mean()) == pytest.approx(1, rel=1e-5)


def test_what_is_found_is_counted_by_direction_variance_and_codes():
    plant = Plant(torch.empty(0, 2), torch.tensor([[1.0, 0.0], [-1.0, 0.0]]), torch.eye(2))
    atoms = torch.tensor([[5.0, 0.0], [1.0, 1.0], [-1.0, 0.0]])  # one direction in three lengths and signs
    codes = torch.tensor([[1.0, 0.0, 0.0], [0.5, 2.0, 3.0]])
    assert judged(atoms, plant.test, codes, plant) == Found(recall=0.5, variance=1, l0=2)
    assert judged(atoms, plant.test / 2, codes, plant).variance == pytest.approx(0.75)
    assert judged(atoms, torch.zeros(2, 2), codes, plant).variance == 0


def test_noise_is_the_half_width_of_the_interval_and_at_least_a_feature():
    assert noise([-0.1, 0.0, 0.1]) == pytest.approx(4.303 * 0.1 / np.sqrt(3), rel=1e-3)
    assert noise([0.2, 0.2, 0.2]) == LEAST


def test_a_difference_within_noise_uses_up_less_than_its_limit():
    own = [Found(1.0, 0.80, 4.0), Found(0.9, 0.81, 4.1), Found(1.0, 0.82, 4.2)]
    other = [Found(0.9, 0.60, 4.0), Found(1.0, 0.61, 4.0), Found(1.0, 0.62, 4.0)]
    found = {row.what: row for row in rows("who", own, other)}
    assert found["who: recall, difference"].fraction_of_limit < 1
    assert found["who: variance, difference"].fraction_of_limit > 1
    assert found["who: variance"].ours == pytest.approx(0.81)
    assert found["who: variance"].other == pytest.approx(0.61)
    assert found["who: variance"].unit == "of the variance (sd 0.010, other 0.010)"
    assert "who: l0, difference" not in found, "L0 is set, not found"


def test_a_penalty_is_found_at_which_l0_is_what_is_asked():
    plant = Plant(torch.empty(0, 8), torch.randn(64, 8), torch.eye(8))

    def learn(_method, _rows, shape):
        on = round(4 / shape.penalty)  # of 100 atoms
        return Learned(torch.eye(8), lambda x: (torch.arange(100) < on).float().expand(len(x), 100), lambda c: c[:, :8])

    assert penalty_for(learn, "relu_l1", plant, (0.1, 2.0), 10.0) == pytest.approx(0.4, rel=0.1)


def test_batches_are_those_of_the_seed():
    shape = Shape(dimensions=3, size=4, sparsity=1, steps=2, batch=5)
    drawn = list(batches(torch.arange(30.0).reshape(10, 3), shape))
    assert [tuple(batch.shape) for batch in drawn] == [(5, 3)] * 2
    assert torch.equal(drawn[1], list(batches(torch.arange(30.0).reshape(10, 3), shape))[1])
    other = list(batches(torch.arange(30.0).reshape(10, 3), replace(shape, seed=1)))
    assert not all(torch.equal(one, two) for one, two in zip(drawn, other, strict=True))


def test_stand_ins_take_the_places_of_absent_packages_and_leave(tmp_path):
    (tmp_path / "needy_trainer.py").write_text(
        "from nowhere_at_all.models import Model\nclass Own(Model):\n    pass\nown = Own(1, 2)\nown.setup()\n"
    )
    module = imported(tmp_path, "needy_trainer", absent=("nowhere_at_all",))
    assert module.own(3) == 3, "it changes nothing"
    assert not [name for name in sys.modules if name.startswith("nowhere_at_all")]
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("nowhere_at_all.models")


def test_peers_share_methods_of_ours():
    for peer in PEERS:
        assert set(peer.penalties) <= set(peer.shared)
        for method in peer.shared:
            assert rule_of(method)
    assert prefixes_of("matryoshka_batch_topk", 96)[-1] == 96
