"""Metrics of features under features, in closed form."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.families.dictionary import DictionaryExplanation, DictionaryQuestion, DictionaryTruth, sparse
from benchmark.families.dictionary.metrics._trees import edges, relatives
from benchmark.families.dictionary.metrics.absorption_free_f1 import absorption_free_f1
from benchmark.families.dictionary.metrics.absorption_rate import absorption_rate
from benchmark.families.dictionary.metrics.hedging_rate import expected_length, hedging_rate
from benchmark.families.dictionary.metrics.splitting import splitting, united
from benchmark.families.dictionary.metrics.uniqueness import uniqueness
from benchmark.families.dictionary.references import oracle

D = 5
CODES = torch.tensor(
    # parent, two children, and one feature by itself
    [[0.0, 0, 0, 1], [1, 0, 0, 0], [1, 0, 0, 1], [1, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]]
).repeat(20, 1)


def truth_of(parents=(-1, 0, 0, -1), directions=None):
    directions = torch.eye(4, D) if directions is None else directions
    return DictionaryTruth(
        CODES > 0,
        CODES > 0,
        directions,
        torch.zeros(D),
        validation_codes=CODES,
        test_codes=CODES,
        parents=torch.tensor(parents),
    )


def question_of(size=4):
    rows = CODES @ torch.eye(4, D)
    return DictionaryQuestion(rows, rows, rows, size=size, sparsity=2, seed=0)


def explain(atoms, codes):
    return DictionaryExplanation(atoms, torch.zeros(D), *sparse(codes), *sparse(codes))


def absorbed_by_the_first_child():
    """The first child's atom stands for its parent, too, whose own atom is silent there."""
    atoms, codes = torch.eye(4, D), CODES.clone()
    atoms[1, 0] = 1.0
    codes[:, 0] *= CODES[:, 1] == 0
    return explain(atoms, codes)


def test_pairs_and_relatives_of_a_tree():
    parent, child = edges(truth_of())
    assert (parent.tolist(), child.tolist()) == ([0, 0], [1, 2])
    kin = relatives(truth_of())
    assert kin.int().tolist() == [[0, 1, 1, 0], [1, 0, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0]]
    chain = relatives(truth_of((-1, 0, 1, -1)))
    assert not chain[0, 2], "a grandchild's direction is its own parent's matter"


def test_the_truth_has_every_perfect_value():
    truth, question = truth_of(), question_of()
    planted = oracle(question, truth)
    assert absorption_free_f1(planted, truth)[""] == 1
    assert absorption_rate(planted, truth) == {"": 0, "parents_found": 1, "found": 0}
    assert hedging_rate(planted, truth, question) == {"": 0, "found": 0, "features_found": 1}
    assert splitting(planted, truth)[""] == 0
    assert uniqueness(planted, truth) == 1


def test_absorption_by_one_of_two_children_costs_both_pairs_differently():
    truth = truth_of()
    absorbing = absorbed_by_the_first_child()
    score = absorption_free_f1(absorbing, truth)
    # the pair of the absorbing child has nothing; of the other pair "the parent without it" lacks one row of three
    assert score[""] == pytest.approx((0 + 2 * 2 / (2 + 3)) / 2)
    assert score["parent_under_child"] == pytest.approx(1 / 2)
    assert absorption_rate(absorbing, truth) == {"": 0.5, "parents_found": 1, "found": 0.5}
    assert splitting(absorbing, truth)[""] == pytest.approx(1 / 4), (
        "the parent needs the first child's atom beside its own"
    )


def test_a_silent_parent_that_nobody_carries_is_missed_and_not_absorbed():
    codes = CODES.clone()
    codes[:, 0] *= CODES[:, 1] == 0
    missing = explain(torch.eye(4, D), codes)
    assert absorption_rate(missing, truth_of())["found"] == 0
    assert absorption_free_f1(missing, truth_of())[""] < 0.5


def test_a_parent_without_an_atom_counts_as_absorbed():
    children = explain(torch.eye(4, D)[1:], CODES[:, 1:])
    assert absorption_rate(children, truth_of()) == {"": 1, "parents_found": 0}
    silent = explain(torch.eye(4, D), CODES * torch.tensor([0.0, 1, 1, 1]))
    assert absorption_rate(silent, truth_of())["parents_found"] == 0


def test_one_atom_at_two_thresholds_tells_no_pair():
    family = explain(torch.ones(1, D), CODES[:, :3].sum(1, keepdim=True))
    assert absorption_free_f1(family, truth_of()) == {"": 0, "parent_under_child": 1}


@settings(max_examples=30, deadline=None)
@given(mixed=st.floats(0, 0.95), elsewhere=st.floats(0, 0.2))
def test_hedging_is_the_part_along_relatives_beyond_chance(mixed, elsewhere):
    truth, question = truth_of((-1, 0, -1, -1)), question_of(1)
    atom = torch.tensor([[1.0, mixed, 0, elsewhere, 0]])
    found = hedging_rate(explain(atom, CODES[:, :1]), truth, question)
    length = math.sqrt(1 + mixed**2 + elsewhere**2)
    rest = math.hypot(mixed, elsewhere) / length
    chance = rest * expected_length(1, D - 1)
    expected = max(0.0, (mixed / length - chance) / (1 - chance)) if 1 / length > math.sqrt(0.5) else 1.0
    assert found[""] == pytest.approx(expected, abs=1e-5)
    assert 0 <= found[""] <= 1


def test_hedging_knows_directions_that_overlap():
    directions = torch.nn.functional.normalize(torch.eye(4, D) + 0.2, dim=1)
    truth, question = truth_of(directions=directions), question_of()
    assert hedging_rate(explain(directions, CODES), truth, question)[""] == pytest.approx(0, abs=1e-5)


def test_copies_and_flipped_atoms_find_nothing_for_hedging():
    truth, question = truth_of(), question_of()
    copies = explain(torch.eye(4, D)[[0, 0, 0, 0]], CODES[:, [0, 0, 0, 0]])
    assert hedging_rate(copies, truth, question)["features_found"] == 0.25
    assert hedging_rate(explain(-torch.eye(4, D), CODES), truth, question)[""] == 1


def test_expected_length_of_a_random_projection():
    generator = torch.Generator().manual_seed(0)
    unit = torch.nn.functional.normalize(torch.randn(40000, 9, generator=generator), dim=1)
    for k in (1, 2, 5, 9):
        assert expected_length(k, 9) == pytest.approx(float(unit[:, :k].norm(dim=1).mean()), abs=5e-3)
    assert expected_length(0, 9) == 0


def test_atoms_are_united_while_they_gain():
    on = torch.tensor([True] * 9 + [False] * 9)
    thirds = torch.zeros(18, 4, dtype=torch.bool)
    for part in range(3):
        thirds[3 * part : 3 * part + 3, part] = True
    thirds[9:, 3] = True
    assert united(thirds, on) == 3
    assert united(thirds[:, 3:], on) == 0
    assert united(torch.ones(18, 2, dtype=torch.bool), on) == 1


def test_uniqueness_counts_distinct_best_matches():
    truth = truth_of()
    atoms = torch.tensor([[1.0, 0.5, 0, 0, 0], [2.0, 0, 0.1, 0, 0], [0, -1.0, 0, 0, 0], [0, 0, 0, 1.0, 0]])
    assert uniqueness(explain(atoms, torch.zeros(120, 4)), truth) == 3 / 4


def test_chance_of_uniqueness_is_the_formula():
    g, d = 30, 40
    generator = torch.Generator().manual_seed(0)
    truth = DictionaryTruth(torch.ones(2, g) > 0, torch.ones(2, g) > 0, torch.eye(g, d))
    drawn = [
        uniqueness(
            DictionaryExplanation(
                torch.randn(g, d, generator=generator),
                torch.zeros(d),
                *sparse(torch.zeros(2, g)),
                *sparse(torch.zeros(2, g)),
            ),
            truth,
        )
        for _ in range(200)
    ]
    assert sum(drawn) / 200 == pytest.approx(1 - (1 - 1 / g) ** g, abs=0.015)
