"""The forest: who fires under whom and how often, and that its certificate sees a plant that cannot be found."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.errors import TouchstoneError
from benchmark.subjects import Run, Saved
from tasks.models.feature_tree.forest import plant
from tasks.models.feature_tree.subject import LEAST, MOST, FeatureTree

SMALL = {"rows": 4000, "held_out": 3000}
THREE = {"roots": 5, "children": 2, "grandchildren": 2}


def checks_of(**dials):
    return {check.name: check for check in FeatureTree(**(SMALL | dials)).train(Run(1)).checks}


def test_features_stand_in_levels_with_siblings_side_by_side():
    forest = FeatureTree(roots=2, children=2, grandchildren=1, active=1.0).forest()
    assert forest.parents.tolist() == [-1, -1, 0, 0, 1, 1, 2, 3, 4, 5]
    assert forest.children.tolist() == list(range(2, 10))


@settings(max_examples=30, deadline=None)
@given(
    roots=st.integers(1, 6),
    children=st.integers(1, 3),
    grandchildren=st.integers(0, 2),
    under=st.floats(0.1, 0.9),
    nesting=st.floats(0, 1),
    spread=st.floats(0, 0.5),
)
def test_rates_are_those_that_firing_under_parents_makes(roots, children, grandchildren, under, nesting, spread):
    active = 0.2 * roots
    forest = plant(
        roots=roots,
        children=children,
        grandchildren=grandchildren,
        active=active,
        spread=spread,
        under=under,
        nesting=nesting,
    )
    assert float(forest.rates.sum()) == pytest.approx(active, rel=1e-5)
    child = forest.children
    above = forest.rates[forest.parents[child]]
    made = above * forest.given_on[child] + (1 - above) * forest.given_off[child]
    torch.testing.assert_close(made, forest.rates[child])
    for parent in forest.parents[child].unique():
        group = forest.rates[forest.parents == parent]
        assert float(group.sum() / forest.rates[parent]) == pytest.approx(under, rel=1e-4)


@pytest.mark.parametrize("dials", [{}, THREE, {"children": 1, "nesting": 0.5}, {"nesting": 0.0}])
def test_rows_are_drawn_with_the_rates_and_siblings_exclude_each_other(dials):
    forest = FeatureTree(**dials).forest()
    on = forest.draw(20000, torch.Generator().manual_seed(0))
    torch.testing.assert_close(on.float().mean(0), forest.rates, rtol=0.2, atol=0.004)
    for parent in forest.parents[forest.children].unique():
        assert int(on[:, forest.parents == parent].sum(1).max()) == 1
    child = forest.children
    alone = (on[:, child] & ~on[:, forest.parents[child]]).any()
    assert bool(alone) == (dials.get("nesting", 1.0) < 1)


@pytest.mark.parametrize(
    "dials", [{}, THREE, {"roots": 16, "children": 1, "under": 0.5, "active": 3.6, "nesting": 0.5}]
)
def test_the_certificate_holds_on_every_dial(dials):
    found = checks_of(**dials)
    assert all(check.passed for check in found.values()), [check for check in found.values() if not check.passed]


def test_a_plant_that_cannot_be_found_fails_its_certificate():
    loud = checks_of(noise=0.4)
    assert not loud["least_f1_of_reading_along_a_direction"].passed
    assert not loud["cosine_regained_by_learning_from_beside_the_truth"].passed
    assert not checks_of(held_out=400)["rows_of_the_rarest_state_of_a_parent_and_its_child"].passed


def test_activations_are_sums_of_orthogonal_directions_and_no_truth_lies_beside_them():
    subject = FeatureTree(**SMALL, noise=0.0)
    trained = subject.train(Run(3))
    planted = subject.plant(3)
    assert set(trained.public) == {"train", "validation", "test"}
    assert not trained.weights
    torch.testing.assert_close(planted.directions @ planted.directions.T, torch.eye(36), atol=1e-5, rtol=0)
    read = (trained.public["test"] - planted.bias) @ planted.directions.T
    torch.testing.assert_close(read, planted.codes["test"], atol=1e-5, rtol=0)
    positive = planted.codes["test"][planted.codes["test"] > 0]
    assert float(positive.min()) >= LEAST
    assert float(positive.max()) <= MOST
    saved = Saved(subject, 3, torch.device("cpu"), trained.weights, trained.public)
    torch.testing.assert_close(subject.load(saved)(planted.codes["test"]), trained.public["test"])
    assert not torch.equal(subject.plant(4).directions, planted.directions)


@pytest.mark.parametrize(
    ("dials", "message"),
    [
        ({"nesting": 1.5}, "nesting=1.5"),
        ({"under": 1.0}, "a parent is alone now and then"),
        ({"children": 0}, "children=0"),
        ({"active": 9.0}, "at most 0.5"),
        ({"dimensions": 30}, "36 features in 30 dimensions"),
    ],
)
def test_dials_out_of_range_are_errors(dials, message):
    with pytest.raises(TouchstoneError, match=message):
        FeatureTree(**dials).forest()
