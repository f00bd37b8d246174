"""Groups that are groups, patterns that no sum of entries tells, nets that no move concerns, and copies of inputs."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.families.attribution import AttributionExplanation
from benchmark.families.attribution.metrics.equivariance import equivariance
from benchmark.families.attribution.metrics.figure_auroc import figure_auroc
from benchmark.families.attribution.near import RADIUS
from benchmark.subjects import Run, Saved
from methods.attribution.gradient import gradient
from tasks.attribution.symmetric_models import SymmetricModels as Task
from tasks.models.symmetric_models import groups
from tasks.models.symmetric_models.net import Pair, net, ties
from tasks.models.symmetric_models.plant import KINDS, Plant
from tasks.models.symmetric_models.subject import SymmetricModels

NAMES = ("dihedral", "shifts", "permutations")
seeds = st.integers(0, 2**31)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@cache
def saved(name: str = "dihedral") -> Saved:
    subject = SymmetricModels(group=name, steps=200, explained=12)
    trained = subject.train(Run(1))
    assert all(check.passed for check in trained.checks), trained.checks
    return Saved(subject, 1, torch.device("cpu"), trained.weights, trained.public)


@pytest.mark.parametrize("name", NAMES)
def test_moves_are_closed_and_keep_what_belongs_together(name: str) -> None:
    group = groups.group(name)
    moves = group.draw(200, generator())
    assert torch.equal(moves.sort(1).values, torch.arange(group.generators.shape[1]).expand(200, -1))
    if group.whole is not None:
        assert len(group.whole.unique(dim=0)) == len(group.whole) == {"dihedral": 8, "shifts": 24}[name]
        products = group.whole[:, group.whole].flatten(0, 1)
        assert torch.equal(products.unique(dim=0), group.whole.unique(dim=0))
        assert len(moves.unique(dim=0)) == len(group.whole), "all are drawn"
    else:
        by_element = moves.view(200, groups.ELEMENTS, groups.FEATURES)
        assert torch.equal(by_element % groups.FEATURES, torch.arange(groups.FEATURES).expand_as(by_element))
        assert (by_element // groups.FEATURES == by_element[:, :, :1] // groups.FEATURES).all()


def test_a_turn_of_the_image_is_a_move() -> None:
    image = torch.randn(8, 8, generator=generator())
    moved = image.flatten()[groups.group("dihedral").whole].view(-1, 8, 8)
    for wanted in (image, torch.rot90(image), image.flip(1), image.T):
        assert (moved == wanted).all((1, 2)).sum() == 1


@pytest.mark.parametrize("name", NAMES)
def test_no_move_leaves_the_place_of_a_pattern_and_turns_it(name: str) -> None:
    group = groups.group(name)
    moves = group.draw(2000, generator()) if group.whole is None else group.whole
    stays = torch.isin(moves[:, group.support], group.support).all(1)
    assert torch.equal(moves[stays][:, group.support], group.support.expand(int(stays.sum()), -1))


@pytest.mark.parametrize("name", NAMES)
def test_tied_weights_are_those_that_a_move_exchanges_and_no_others(name: str) -> None:
    group = groups.group(name)
    units = group.orbit(1)
    one = group.tied(units)
    places = {int(entry): number for number, entry in enumerate(units)}
    for move in group.draw(20, generator()):
        rows = torch.tensor([places[int(move[unit])] for unit in units])
        assert torch.equal(one[rows][:, move], one)
    kinds = {"dihedral": 64, "shifts": 24, "permutations": 2 * groups.FEATURES}[name]
    assert len(one.unique()) == kinds, "pairs of a unit and an entry, but for moves"


@settings(max_examples=15, deadline=None)
@given(name=st.sampled_from(NAMES), seed=seeds)
def test_moved_inputs_have_the_same_answer_whatever_the_weights(name: str, seed: int) -> None:
    group = groups.group(name)
    pair = Pair(ties(group, 3, 5, tied=True), generator(seed))
    inputs = torch.randn(20, *group.shape, generator=generator(seed))
    moved = inputs.flatten(1).gather(1, group.draw(20, generator(seed + 1))).view(inputs.shape)
    torch.testing.assert_close(pair.logits(moved), pair.logits(inputs), rtol=1e-4, atol=1e-5)
    for which in (0, 1):
        model = net(group, 3, 5)
        model.load_state_dict(pair.weights(which))
        torch.testing.assert_close(model(inputs), pair.logits(inputs)[which], rtol=1e-4, atol=1e-5)


def test_untied_weights_are_all_free() -> None:
    group = groups.group("shifts")
    index = ties(group, 3, 5, tied=False)
    model = net(group, 3, 5)
    assert {name: of.shape for name, of in index.items()} == {n: p.shape for n, p in model.named_parameters()}
    assert all(len(of.unique()) == of.numel() for of in index.values())


@settings(max_examples=15, deadline=None)
@given(name=st.sampled_from(NAMES), seed=seeds)
def test_inputs_show_two_patterns_apart_and_what_is_exchanged_is_exchanged_alone(name: str, seed: int) -> None:
    plant = Plant.draw(groups.group(name), 3.0, generator(seed))
    drawn = plant.inputs(30, generator(seed))
    shown = (drawn.patterns != 0).sum(2)
    assert (shown == groups.SIZE).all()
    assert not drawn.truth.all(1).any()
    torch.testing.assert_close(drawn.inputs.flatten(1) - drawn.noise, drawn.patterns.sum(1))
    for which in (0, 1):
        other = drawn.of_other_class(which)
        assert torch.equal(other.truth, drawn.truth)
        assert torch.equal(other.patterns[:, 1 - which], drawn.patterns[:, 1 - which])
        overlap = (other.patterns[:, which] * drawn.patterns[:, which]).sum(1)
        assert overlap.abs().max() < 1e-4, "kinds are orthogonal"
        renewed = drawn.renewed(which, generator(seed + 1))
        assert torch.equal(renewed.patterns[:, 1 - which], drawn.patterns[:, 1 - which])
        assert not renewed.truth.all(1).any()
        lost = torch.stack([drawn.inputs - drawn.without_cell(which, cell) for cell in range(groups.SIZE)]).sum(0)
        torch.testing.assert_close(lost.flatten(1), drawn.patterns[:, which], rtol=1e-4, atol=1e-4)


def test_each_pattern_has_two_of_the_four_kinds_but_not_the_two_that_a_shift_makes_alike() -> None:
    group, seen = groups.group("shifts"), set()
    for seed in range(250):
        kinds = Plant.draw(group, 3.0, generator(seed)).patterns[:, :, group.support]
        numbers = (kinds @ KINDS.T).argmax(2)
        assert sorted(numbers.flatten().tolist()) == [0, 1, 2, 3]
        assert all(min(pair) < 2 <= max(pair) for pair in numbers.tolist())
        seen.add(tuple(numbers.flatten().tolist()))
    assert len(seen) == 16, "two pairings, each in two orders, and two orders of either pair"


def test_no_sum_of_entries_tells_a_class() -> None:
    assert torch.equal(KINDS @ KINDS.T, 4 * torch.eye(4))
    drawn = Plant.draw(groups.group("shifts"), 3.0, generator()).inputs(40_000, generator())
    classes = 2.0 * drawn.classes[:, 0] - 1
    for seen in (drawn.inputs.flatten(1), drawn.inputs.flatten(1).abs()):
        alone = (seen * classes[:, None]).mean(0) / seen.std(0)
        assert alone.abs().max() < 5 / 200, "five standard errors"


@pytest.mark.parametrize("name", NAMES)
def test_trained_nets_are_certified_and_their_gradients_move_along(name: str) -> None:
    task = Task()
    question, truth = task.pose(saved(name)), task.truth(saved(name))
    found = AttributionExplanation(gradient(question))
    scores = equivariance(found, truth, question)
    assert scores[""] == pytest.approx(1, abs=0.02)
    assert scores["model"] == pytest.approx(1, abs=1e-6)
    assert figure_auroc(found, truth) > 0.6


@pytest.mark.parametrize("name", NAMES)
def test_questions_of_rivals_are_the_same_but_for_the_net(name: str) -> None:
    first, second = (Task(reader=reader).pose(saved(name)) for reader in ("first", "second"))
    for part in ("inputs", "targets", "background", "baseline", "symmetries"):
        assert torch.equal(getattr(first, part), getattr(second, part))
    assert not torch.equal(first.model(first.inputs), second.model(second.inputs))
    truths = [Task(reader=reader).truth(saved(name)) for reader in ("first", "second")]
    assert torch.equal(truths[0].figure, truths[1].figure)
    assert torch.equal(truths[0].masks[""] ^ truths[1].masks[""], truths[0].figure)
    blind = AttributionExplanation(torch.randn(first.inputs.shape, generator=generator()))
    assert sum(figure_auroc(blind, truth) for truth in truths) == pytest.approx(1)


@pytest.mark.parametrize("name", NAMES)
def test_patterns_stand_where_the_truth_says_and_copies_are_what_they_are_called(name: str) -> None:
    question, truth = Task().pose(saved(name)), Task().truth(saved(name))
    copies = truth.copies
    assert [int(part.sum()) for part in (copies.of == torch.arange(60), copies.moved, copies.near)] == [12, 24, 24]
    carried = copies.carried(question.inputs)
    assert torch.equal(carried[~copies.near], question.inputs[~copies.near])
    changes = (carried - question.inputs)[copies.near].abs()
    assert 0 < float(changes.max()) <= RADIUS * float(question.background.std()) * (1 + 1e-4)
    strong = question.inputs.abs()
    assert strong[truth.figure].mean() > 2.5 > 1.5 > strong[~truth.figure].mean()


def test_a_hardly_trained_net_fails_its_certificate_and_can_still_be_asked() -> None:
    subject = SymmetricModels(steps=2, explained=3)
    trained = subject.train(Run(0))
    assert not all(check.passed for check in trained.checks)
    question = Task().pose(Saved(subject, 0, torch.device("cpu"), trained.weights, trained.public))
    assert question.inputs.shape == (15, 1, 8, 8)


def test_untied_and_untrained_nets_are_certified_for_what_they_are() -> None:
    for given_, exact in (({"tied": False}, False), ({"training": "none"}, True)):
        trained = SymmetricModels(steps=200, explained=2, **given_).train(Run(0))
        assert all(check.passed for check in trained.checks), trained.checks
        assert ("answer changed by a move" in [check.name for check in trained.checks]) == exact
        assert (trained.facts["answer's variance that moves leave"] < 0.999) == (not exact)
