"""Groups and their functions, a layer in parts, and what a trained net is certified for."""

import functools

import pytest
import torch

from benchmark.errors import TouchstoneError
from benchmark.families.dictionary.metrics.subspace_recall import subspace_recall
from benchmark.families.dictionary.references import oracle
from benchmark.subjects import Run, Saved
from tasks.dictionary.modular_arithmetic import ModularArithmeticTask
from tasks.models.modular_addition.decomposition import Decomposition, greatest_overlap, together
from tasks.models.modular_addition.groups import cyclic, dihedral
from tasks.models.modular_addition.network import Adder
from tasks.models.modular_addition.subject import ModularAddition

GROUPS = [cyclic(7), dihedral(5)]
SMALL = {"steps": 1200}


@functools.cache
def saved(**parameters):
    subject = ModularAddition(**(SMALL | parameters))
    trained = subject.train(Run(0))
    return Saved(subject, 0, torch.device("cpu"), trained.weights, trained.public), trained


def net(group, hidden=12):
    return Adder(len(group.table), 6, hidden, torch.Generator().manual_seed(0)).requires_grad_(False)


@pytest.mark.parametrize("group", GROUPS, ids=["cyclic", "dihedral"])
def test_tables_are_those_of_groups(group) -> None:
    n, table = len(group.table), group.table
    every = torch.arange(n)
    assert torch.equal(table[table], table[every[:, None, None], table]), "it is associative"
    assert torch.equal(table[0], every)
    assert torch.equal(table[:, 0], every)
    for lines in (table, table.T):
        assert torch.equal(lines.sort(dim=1).values, every.expand(n, n)), "every element is there once"


def test_the_dihedral_group_does_not_commute() -> None:
    assert torch.equal(GROUPS[0].table, GROUPS[0].table.T)
    assert not torch.equal(GROUPS[1].table, GROUPS[1].table.T)


@pytest.mark.parametrize("group", GROUPS, ids=["cyclic", "dihedral"])
def test_functions_are_orthonormal_and_translations_stay_within_a_representation(group) -> None:
    n = len(group.table)
    every = torch.cat([torch.ones(1, n).double(), *group.functions])
    torch.testing.assert_close(every @ every.T / n, torch.eye(n).double())
    for functions in group.functions:
        onto = functions.T @ functions / n
        for element in range(n):
            for moved in (functions[:, group.table[element]], functions[:, group.table[:, element]]):
                torch.testing.assert_close(moved @ onto, moved)


@pytest.mark.parametrize("modulus", [4, 8, 3])
def test_even_numbers_are_refused(modulus) -> None:
    with pytest.raises(TouchstoneError, match="an odd number"):
        cyclic(modulus)


@pytest.mark.parametrize("group", GROUPS, ids=["cyclic", "dihedral"])
def test_what_is_squared_is_the_sum_of_its_parts(group) -> None:
    parts = Decomposition(net(group), group)
    every = parts.of_elements(range(len(group.names)))
    torch.testing.assert_close(parts.summed.mean(0) + together(every, parts.summed), parts.summed)
    assert [part.name for part in every[:2]] == [f"{group.names[0]} of a", f"{group.names[0]} of b"]


@pytest.mark.parametrize("group", GROUPS, ids=["cyclic", "dihedral"])
def test_a_part_of_the_hidden_layer_is_all_that_follows_the_product(group) -> None:
    parts = Decomposition(net(group), group)
    of_each = torch.stack([parts.hidden[parts.product == element].mean(0) for element in range(len(group.table))])
    whole = parts.hidden.mean(0) + together(parts.of_product, parts.hidden)
    torch.testing.assert_close(whole, of_each[parts.product])
    assert 0 < sum(parts.shares) <= 1


@pytest.mark.parametrize("site", ["hidden", "summed"])
def test_what_is_read_next_is_the_mean_over_rows_of_the_squared_derivative(site) -> None:
    group = GROUPS[0]
    one, pairs = net(group), group.pairs[:9]

    def logits(layer):
        said = (layer if site == "hidden" else layer.square()) @ one.unembedding
        return said - said.mean()

    layer = one.hidden(pairs) if site == "hidden" else one.summed(pairs)
    slopes = torch.stack([torch.autograd.functional.jacobian(logits, row) for row in layer])
    torch.testing.assert_close(one.jacobian_gram(site, pairs), (slopes.mT @ slopes).mean(0))


def test_a_net_that_learned_addition_is_certified_and_others_are_not() -> None:
    _, trained = saved()
    assert [check.name for check in trained.checks if not check.passed] == []
    _, hardly = saved(steps=5)
    assert not all(check.passed for check in hardly.checks)
    _, never = saved(training="none")
    assert all(check.passed for check in never.checks)


@pytest.mark.parametrize("site", ["hidden", "summed"])
def test_the_truth_is_the_key_frequencies_planes(site) -> None:
    instance, _ = saved()
    task = ModularArithmeticTask(site=site)
    question, truth = task.pose(instance), task.truth(instance)
    parts = Decomposition(instance.subject.load(instance), instance.subject.made())
    assert len(truth.subspaces) == len(parts.key) * (1 if site == "hidden" else 2)
    assert len(truth.names) == len(truth.directions) == 4 * len(truth.subspaces)
    for axes in truth.subspaces:
        torch.testing.assert_close(axes @ axes.T, torch.eye(2), rtol=1e-4, atol=1e-4)
    assert subspace_recall(oracle(question, truth), truth) == 1
    written = truth.test_codes @ truth.directions + truth.bias
    error = (written - question.test).square().sum() / (question.test - truth.bias).square().sum()
    assert error < (0.8 if site == "hidden" else 0.05), "before the squares the key frequencies are nearly all there is"
    if site == "summed":
        assert greatest_overlap(parts.of_elements(parts.key)) < 0.8


def test_random_weights_are_asked_for_all_frequencies() -> None:
    instance, _ = saved(training="none")
    assert len(ModularArithmeticTask().truth(instance).subspaces) == 11


def test_rows_are_all_pairs_in_three_sets() -> None:
    _, trained = saved(training="none")
    pairs = torch.cat([trained.public[split] for split in ("train", "validation", "test")])
    assert len(pairs) == len(pairs.unique(dim=0)) == 23**2


def test_planes_before_the_squares_are_asked_of_numbers_alone() -> None:
    instance, _ = saved(group="dihedral", modulus=5, steps=2)
    with pytest.raises(TouchstoneError, match='expected "cyclic"'):
        ModularArithmeticTask(site="summed").pose(instance)
