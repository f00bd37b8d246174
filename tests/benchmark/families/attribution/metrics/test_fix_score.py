"""The FIX score against its definition, written out, and against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionExplanation, AttributionTruth, references
from benchmark.families.attribution.metrics.fix_score import alignment, fix_score
from benchmark.families.attribution.trivial import trivial

SIZE = 12
labels = arrays(np.int64, (3, SIZE), elements=st.integers(-1, 5))


def explain(groups: torch.Tensor) -> AttributionExplanation:
    return AttributionExplanation(torch.zeros(groups.shape), groups=groups)


def truth_of(groups: torch.Tensor) -> AttributionTruth:
    mask = torch.zeros(groups.shape, dtype=torch.bool)
    return AttributionTruth({"": mask}, groups=groups)


def by_definition(found: list[int], planted: list[int]) -> list[float]:
    """For each entry, the best overlap of its group with a planted one."""

    def members(numbers: list[int]) -> list[set[int]]:
        return [{i for i, other in enumerate(numbers) if other == one} for one in set(numbers) if one >= 0]

    own = {i: group for group in members(found) for i in group}
    return [
        max(len(own[i] & other) / len(own[i] | other) for other in members(planted)) if i in own else 0.0
        for i in range(len(found))
    ]


@given(labels, labels)
@settings(max_examples=60, deadline=None)
def test_it_is_the_best_overlap_of_each_entrys_group(found: np.ndarray, planted: np.ndarray) -> None:
    planted[:, 0] = planted[:, 0].clip(0)  # each input has a group
    expected = np.array([by_definition(list(f), list(p)) for f, p in zip(found, planted, strict=True)])
    ours, theirs = torch.from_numpy(found), torch.from_numpy(planted)
    np.testing.assert_allclose(alignment(ours, theirs).numpy(), expected, atol=1e-12)
    inside = planted >= 0
    own = np.mean([row[kept].mean() for row, kept in zip(expected, inside, strict=True)])
    assert fix_score(explain(ours), truth_of(theirs)) == pytest.approx({"": own, "all": expected.mean()}, abs=1e-12)


@given(labels, st.permutations(range(6)))
@settings(max_examples=20, deadline=None)
def test_numbers_are_names(planted: np.ndarray, order: list[int]) -> None:
    planted[:, 0] = planted[:, 0].clip(0)
    truth = truth_of(torch.from_numpy(planted))
    renamed = torch.tensor([*(1000 * number + 7 for number in order), -5])[torch.from_numpy(planted)]
    assert fix_score(explain(renamed), truth)[""] == 1
    assert fix_score(explain(renamed), truth)["all"] == pytest.approx(np.mean(planted >= 0))


@pytest.mark.parametrize("size", [2, 3, 4, 6])
def test_entries_alone_all_together_and_none(size: int) -> None:
    truth = truth_of((torch.arange(SIZE) // size).expand(2, SIZE).clone())
    alone, one = torch.arange(SIZE).expand(2, SIZE).clone(), torch.zeros(2, SIZE, dtype=torch.int64)
    assert fix_score(explain(alone), truth)[""] == pytest.approx(1 / size)
    assert fix_score(explain(one), truth)[""] == pytest.approx(size / SIZE)
    assert fix_score(explain(one - 1), truth)[""] == 0


def test_an_entry_of_no_planted_group_makes_a_group_too_large() -> None:
    truth = truth_of(torch.tensor([[0, 0, 1, 1, -1, -1]]))
    found = fix_score(explain(torch.tensor([[0, 0, 1, 1, 1, 2]])), truth)
    assert found == pytest.approx({"": (1 + 2 / 3) / 2, "all": (2 + 3 * 2 / 3) / 6})


def test_without_groups_nothing_is_measured() -> None:
    truth = truth_of(torch.zeros(1, 6, dtype=torch.int64))
    with pytest.raises(Unsupported, match="has no groups"):
        fix_score(AttributionExplanation(torch.zeros(1, 6)), truth)
    with pytest.raises(Unsupported, match="got groups of 18 entries an input, expected 6"):
        fix_score(explain(torch.zeros(1, 3, 2, 3, dtype=torch.int64)), truth)


def test_the_references_have_the_planted_groups_and_others_of_their_sizes() -> None:
    question, truth = trivial(0)
    assert truth.groups is not None
    oracle = references.oracle(truth)
    assert fix_score(oracle, truth)[""] == 1
    drawn = [references.random(question, truth, torch.Generator().manual_seed(seed)) for seed in range(30)]
    for one in drawn:
        assert one.groups is not None
        assert torch.equal(one.groups.flatten(1).sort(1).values, truth.groups.flatten(1).sort(1).values)
    assert np.mean([fix_score(one, truth)[""] for one in drawn]) < 0.3
    assert references.inverted(truth).groups is None


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (torch.zeros(1, 6), "expected torch.int64"),
        (torch.zeros(1, 5, dtype=torch.int64), r"int64 \[1, 5\], expected torch.int64 \[1, 6\]"),
        (torch.full((1, 6), -1), "each input needs an entry in a group"),
    ],
)
def test_what_is_no_grouping_is_refused(groups: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AttributionTruth({"": torch.zeros(1, 6, dtype=torch.bool)}, groups=groups)
