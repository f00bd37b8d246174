"""Methods that return groups: closed forms on functions whose groups are known, and agreement with scikit-learn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist, squareform
from sklearn.metrics import silhouette_score
from torch import nn

from benchmark.families import attribution as family
from benchmark.families.attribution import AttributionExplanation, AttributionQuestion
from methods.attribution._grouping import correlation_distances, grouped
from methods.attribution.clustered_groups import clustered_groups
from methods.attribution.correlated_groups import correlated_groups
from methods.attribution.entries_alone import entries_alone
from methods.attribution.hierarchical_interactions import hierarchical_interactions
from methods.attribution.random_groups import random_groups

GROUPS = [0, 1, 1, 0, 2, 2, 2, 3]
"""Of the columns of `Known`: a product of two, the square of a sum of two, the greatest of three, one alone."""


class Known(nn.Module):
    """Two outputs: a sum over groups of columns, and the same of the columns in reverse."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([self.one(x), self.one(x.flip(1))], 1)

    def one(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, 0] * x[:, 3] + (x[:, 1] - x[:, 2]) ** 2 + x[:, 4:7].amax(1) + 2 * x[:, 7]


def question_of(model: nn.Module, shape: tuple[int, ...], count: int = 60) -> AttributionQuestion:
    generator = torch.Generator().manual_seed(0)
    return AttributionQuestion(
        model=model.eval(),
        inputs=torch.randn((count, *shape), generator=generator),
        targets=torch.arange(count) % 2,
        background=torch.randn((600, *shape), generator=generator),
        baseline=torch.zeros(shape),
        seed=0,
    )


def known() -> AttributionQuestion:
    return question_of(Known(), (8,))


def linear(shape: tuple[int, ...] = (6,)) -> tuple[AttributionQuestion, torch.Tensor]:
    torch.manual_seed(0)
    layer = nn.Linear(int(np.prod(shape)), 2)
    question = question_of(nn.Sequential(nn.Flatten(), layer), shape)
    return question, layer.weight.detach()[question.targets].view(-1, *shape)


def same_groups(found: torch.Tensor, expected: torch.Tensor) -> bool:
    return torch.equal(found[:, None] == found, expected[:, None] == expected)


def checked(explanation: AttributionExplanation, question: AttributionQuestion) -> AttributionExplanation:
    return family.check(explanation, question)


@pytest.mark.parametrize("seed", range(8))
def test_groups_are_those_of_average_linkage_with_the_best_silhouette(seed: int) -> None:
    generator = np.random.default_rng(seed)
    points = generator.normal(size=(20, 3)) + 3 * generator.integers(0, 3, size=(20, 1))
    distances = pdist(points)
    tree = linkage(distances, "average")
    cuts = [fcluster(tree, count, "maxclust") for count in range(2, 20)]
    best = max(cuts, key=lambda cut: silhouette_score(squareform(distances), cut, metric="precomputed"))
    found = grouped(torch.from_numpy(squareform(distances)))
    assert same_groups(found, torch.from_numpy(best))
    assert sorted(set(found.tolist())) == list(range(len(set(best))))


@pytest.mark.parametrize("count", [1, 2, 5])
def test_what_is_equally_far_from_everything_stays_alone(count: int) -> None:
    distances = torch.ones(count, count).fill_diagonal_(0)
    assert len(grouped(distances).unique()) == count


def test_correlation_distances_are_those_of_numpy_and_1_for_constants() -> None:
    columns = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
    expected = 1 - np.abs(np.corrcoef(columns.numpy().T))
    np.testing.assert_allclose(correlation_distances(columns).numpy(), expected, atol=1e-6)
    columns[:, 2] = 0.1
    found = correlation_distances(columns)
    assert found[2].tolist() == [1, 1, 0, 1]


@pytest.mark.parametrize("method", [hierarchical_interactions, clustered_groups])
def test_groups_of_a_sum_over_groups_are_found_for_each_output(method) -> None:
    question = known()
    found = checked(method(question), question).groups
    expected = torch.tensor(GROUPS)
    for row, target in enumerate(question.targets.tolist()):
        assert same_groups(found[row], expected.flip(0) if target else expected), (row, found[row])


def test_the_effect_of_a_group_is_its_term_divided_among_its_columns() -> None:
    question = known()
    x = torch.where(question.targets[:, None] == 1, question.inputs.flip(1), question.inputs)
    product, square, greatest = x[:, 0] * x[:, 3], (x[:, 1] - x[:, 2]) ** 2, x[:, 4:7].amax(1)
    terms = [product / 2, square / 2, square / 2, product / 2, *[greatest / 3] * 3, 2 * x[:, 7]]
    expected = torch.stack(terms, 1)
    expected = torch.where(question.targets[:, None] == 1, expected.flip(1), expected)
    torch.testing.assert_close(hierarchical_interactions(question).attributions, expected, atol=1e-4, rtol=1e-4)


def test_only_the_strongest_are_grouped_and_the_others_keep_their_own_effects() -> None:
    question = replace(known(), targets=torch.zeros(60, dtype=torch.int64))
    found = hierarchical_interactions(question, most=3)
    everything = hierarchical_interactions(question)
    assert ((found.groups >= 0).sum(1) == 3).all()
    assert (found.groups[:, 7] >= 0).all(), "it is alone in its group, and the strongest"
    torch.testing.assert_close(found.attributions[:, 7], everything.attributions[:, 7], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("shape", [(6,), (1, 4, 4)])
def test_a_linear_model_has_no_interactions(shape: tuple[int, ...]) -> None:
    question, weights = linear(shape)
    found = checked(hierarchical_interactions(question), question)
    assert all(len(row.unique()) == row.numel() for row in found.groups)
    expected = weights * (question.inputs - question.baseline)
    torch.testing.assert_close(found.attributions, expected, atol=1e-4, rtol=1e-4)


def test_clusters_share_what_their_columns_contribute() -> None:
    question = known()
    found = clustered_groups(question)
    x = question.inputs.clone().requires_grad_()
    (slope,) = torch.autograd.grad(question.model(x).gather(1, question.targets[:, None]).sum(), x)
    contributions = question.inputs * slope
    torch.testing.assert_close(found.attributions.sum(1), contributions.sum(1), atol=1e-4, rtol=1e-4)
    for values, groups in zip(found.attributions, found.groups, strict=True):
        assert all(len(values[groups == number].unique()) == 1 for number in groups.unique())


def test_pixels_are_grouped_with_all_their_channels() -> None:
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 4, 4, stride=4), nn.ReLU(), nn.Flatten(), nn.Linear(16, 2)]
    question = replace(question_of(nn.Sequential(*layers), (3, 8, 8)), per_pixel=True)
    for method in (hierarchical_interactions, clustered_groups, correlated_groups, entries_alone, random_groups):
        found = checked(method(question), question)
        assert found.groups is not None
        assert found.groups.shape == found.attributions.shape == (60, 1, 8, 8), method.__name__
    entries = replace(question, per_pixel=False)
    whole = checked(hierarchical_interactions(entries), entries)
    assert whole.groups.shape == (60, 3, 8, 8)
    torch.testing.assert_close(
        whole.attributions.sum(1, keepdim=True),
        checked(hierarchical_interactions(question), question).attributions,
        atol=1e-5,
        rtol=1e-4,
    )


def test_controls_group_by_the_data_or_not_at_all() -> None:
    question = known()
    paired = question.background.clone()
    paired[:, 5] = -paired[:, 2]
    groups = correlated_groups(replace(question, background=paired)).groups
    assert groups[0, 5] == groups[0, 2]
    assert torch.equal(groups, groups[:1].expand(60, 8))
    assert torch.equal(entries_alone(question).groups, torch.arange(8).expand(60, 8))
    halves = random_groups(question).groups
    assert (halves.sum(1) == 4).all()
    assert len(halves.unique(dim=0)) > 20
