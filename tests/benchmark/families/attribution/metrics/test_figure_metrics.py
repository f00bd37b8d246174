"""Metrics of the figure against scikit-learn and closed forms: the ground has no say, and rivals share one unit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import roc_auc_score

from benchmark.families.attribution import AttributionExplanation, AttributionTruth, references
from benchmark.families.attribution.metrics.figure_auroc import figure_auroc
from benchmark.families.attribution.metrics.figure_choice import figure_choice
from benchmark.families.attribution.metrics.figure_mass import figure_mass
from benchmark.families.attribution.metrics.truth_mass import truth_mass

SIZE = 20
METRICS = (figure_auroc, figure_mass, figure_choice)


def explain(values) -> AttributionExplanation:
    return AttributionExplanation(torch.as_tensor(np.asarray(values), dtype=torch.float32))


def truth_of(used, figure) -> AttributionTruth:
    used, figure = (torch.as_tensor(np.asarray(mask), dtype=torch.bool) for mask in (used, figure))
    return AttributionTruth(masks={"": used}, figure=figure)


# few distinct values, so that ties are common
maps = arrays(np.float32, (3, SIZE), elements=st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.0, 0.0, 0.5, 1.0, 3.0]))


@st.composite
def planted(draw) -> tuple[np.ndarray, np.ndarray]:
    """Which entries are used and which are figure, with both kinds of figure on every input."""
    used, figure = np.zeros((3, SIZE), dtype=bool), np.zeros((3, SIZE), dtype=bool)
    for row in range(3):
        order = draw(st.permutations(range(SIZE)))
        many, shown, hidden = draw(st.integers(2, SIZE - 2)), draw(st.integers(1, SIZE)), draw(st.integers(1, SIZE))
        used[row, order[:many]] = True
        figure[row, order[:many][:shown]] = True
        figure[row, order[many:][:hidden]] = True
    return used, figure


@given(maps, planted())
@settings(max_examples=40, deadline=None)
def test_auroc_is_that_of_scikit_learn_on_the_figure(values, masks):
    used, figure = masks
    expected = np.mean([roc_auc_score(u[f], np.abs(v)[f]) for v, u, f in zip(values, used, figure, strict=True)])
    assert figure_auroc(explain(values), truth_of(used, figure)) == pytest.approx(expected, abs=1e-9)


@given(maps, planted())
@settings(max_examples=40, deadline=None)
def test_one_map_against_two_rival_truths_has_one_unit_to_share(values, masks):
    used, figure = masks
    for metric in METRICS:
        both = metric(explain(values), truth_of(used, figure)) + metric(explain(values), truth_of(~used, figure))
        assert both == pytest.approx(1)


@given(maps, planted(), st.floats(0.5, 4))
@settings(max_examples=40, deadline=None)
def test_neither_the_ground_nor_a_scale_has_a_say_and_order_is_all_for_auroc(values, masks, factor):
    used, figure = masks
    truth = truth_of(used, figure)
    loud = np.where(figure, values * np.float32(factor), 100.0)
    for metric in METRICS:
        assert metric(explain(loud), truth) == pytest.approx(metric(explain(values), truth), abs=1e-6)
    assert figure_auroc(explain(values**2), truth) == figure_auroc(explain(values), truth)


def test_a_square_gains_mass_and_no_auroc():
    values, used = [[2.0, 1.0, 1.0, 0.5]], [[True, True, False, False]]
    truth = truth_of(used, np.ones((1, 4)))
    assert truth_mass(explain(np.square(values)), truth)[""] > truth_mass(explain(values), truth)[""]
    assert figure_mass(explain(values), truth) == pytest.approx(3 / 4.5)
    assert figure_auroc(explain(values), truth) == 3.5 / 4
    assert figure_auroc(explain(np.square(values)), truth) == 3.5 / 4


def test_references_and_maps_without_information():
    used = np.array([[True] * 6 + [False] * 6])
    figure = np.array([[True, False] * 6])
    truth = truth_of(used, figure)
    for metric in METRICS:
        assert metric(references.oracle(truth), truth) == 1
        assert metric(references.inverted(truth), truth) == 0
        for constant in (0.0, 1.0, -3.0):
            assert metric(explain(np.full((1, 12), constant)), truth) == 0.5
        assert metric(explain(np.where(figure, 0.0, 1.0)), truth) == 0.5, "nothing is said of the figure"


def test_a_figure_has_entries_in_and_outside_of_the_truth():
    used = np.array([[True, True, False, False]])
    for figure in ([[True, False, False, False]], [[False, False, True, True]]):
        with pytest.raises(ValueError, match="inside and outside"):
            truth_of(used, figure)
