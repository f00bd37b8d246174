"""Rules, their columns, and what definitions of an attribution give for them."""

from __future__ import annotations

import functools

import pytest
import torch

from benchmark.errors import TouchstoneError
from benchmark.subjects import Run, Saved
from tasks.models.planted_rules.questions import Asked, asked, columns, copied, references, relevant
from tasks.models.planted_rules.rules import RULES, Planted, draw, planted
from tasks.models.planted_rules.subject import PlantedRules

SETS = ("formulas", "selection", "interactions")


def plant_of(rules, noise=3, seed=0, **given) -> tuple[tuple[Planted, ...], int]:
    return planted(rules, noise, torch.Generator().manual_seed(seed), **given)


@functools.cache
def saved(**parameters) -> Saved:
    subject = PlantedRules(**parameters)
    trained = subject.train(Run(0))
    return Saved(subject, 0, torch.device("cpu"), trained.weights, trained.public)


@pytest.mark.parametrize("rules", SETS)
def test_rules_share_no_column_and_have_one_scale(rules) -> None:
    (plant,), width = plant_of(rules)
    used = torch.cat(plant.places)
    assert len(used.unique()) == len(used) == width - 3
    values = plant.values(draw(20_000, width, torch.Generator().manual_seed(1)))
    assert values.mean(0).abs().max() < 0.05
    assert (values.std(0) - 1).abs().max() < 0.05


@pytest.mark.parametrize("rules", SETS)
def test_every_column_moves_its_rule_and_no_other(rules) -> None:
    (plant,), width = plant_of(rules)
    inputs = draw(2000, width, torch.Generator().manual_seed(1))
    others = draw(2000, width, torch.Generator().manual_seed(2))
    whole = plant.values(inputs)
    for column in range(width):
        mixed = inputs.clone()
        mixed[:, column] = others[:, column]
        change = (plant.values(mixed) - whole).square().mean(0)
        owner = [number for number, places in enumerate(plant.places) if column in places]
        assert (change > 0).nonzero().flatten().tolist() == owner
        assert all(change[number] > 0.02 for number in owner), "or no explanation could find it"


@pytest.mark.parametrize("rules", SETS)
def test_what_is_relevant_is_what_the_value_depends_on_around_an_input(rules) -> None:
    (plant,), width = plant_of(rules)
    inputs = draw(300, width, torch.Generator().manual_seed(3)).double().requires_grad_()
    for number, rule in enumerate(plant.rules):
        (slope,) = torch.autograd.grad(plant.value(number, inputs).sum(), inputs)
        marked = plant.relevant(number, inputs.detach())
        assert not slope[~marked].any(), rule.name
        if rule.switched:
            assert 0 < marked.sum() < len(inputs) * rule.columns, "it is not the same for all inputs"


def test_products_have_no_main_effects() -> None:
    (plant,), width = plant_of("interactions")
    inputs = draw(50_000, width, torch.Generator().manual_seed(4))
    for number, places in enumerate(plant.places):
        for column in places.tolist():
            upper = inputs[:, column] > 0.5
            assert abs(float(plant.value(number, inputs[upper]).mean())) < 0.06


def test_references_of_a_product_are_the_textbooks() -> None:
    (plant,), width = plant_of("interactions")
    assert plant.rules[0].name == "pair 1"
    inputs = draw(8, width, torch.Generator().manual_seed(5))
    given = Asked(inputs, torch.zeros(8, dtype=torch.int64))
    a, b = (inputs[:, column] for column in plant.places[0].tolist())
    scale = 3.0  # of a product of two even columns, whose spread is 1/3
    found = references(plant, given)
    for name, first, second in (("derivative", b, a), ("ablation", a * b, a * b), ("integral", a * b / 2, a * b / 2)):
        expected = torch.zeros_like(inputs)
        expected[:, plant.places[0]] = scale * torch.stack([first, second], 1)
        torch.testing.assert_close(found[name], expected, rtol=0.03, atol=1e-5)


def test_a_trained_net_is_certified_and_random_weights_tell_nothing() -> None:
    small = {"rules": "selection", "steps": 1250, "noise": 5}
    trained = PlantedRules(**small).train(Run(0))
    assert all(check.passed for check in trained.checks), trained.checks
    untrained = PlantedRules(**small, training="none").train(Run(0))
    assert all(check.passed for check in untrained.checks), untrained.checks


def test_both_readers_have_the_same_columns_and_inputs() -> None:
    first, second = (saved(rules="selection", copies=True, reads=reads, steps=2) for reads in ("first", "second"))
    (one, two), width = first.subject.sets(first)
    assert torch.equal(first.public["inputs"], second.public["inputs"])
    assert torch.equal(second.subject.plant(second)[0].places[0], two.places[0])
    given = copied((one, two), asked(first, 30))
    assert given.inputs.shape == (30, width)
    assert torch.equal(one.values(given.inputs), two.values(given.inputs))
    assert not (relevant(one, given) & relevant(two, given)).any()


def test_only_the_rules_that_are_asked_about_are_asked_about() -> None:
    one = saved(rules="selection", steps=2)
    names = [rule.name for rule in RULES["selection"]]
    given = asked(one, 12, lambda rule: rule.switched)
    assert {names[number] for number in given.rules.tolist()} == {"switch", "choice", "gate"}
    plant, _ = one.subject.plant(one)
    assert (relevant(plant, given) <= columns(plant, given)).all()
    assert given.question(one).targets.tolist() == given.rules.tolist()


def test_a_second_set_must_be_there_to_be_read() -> None:
    with pytest.raises(TouchstoneError, match="expected copies: true"):
        PlantedRules(reads="second")
