"""Features of several dimensions: their truth in halves, and when atoms find them, in closed form."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.families.dictionary import DictionaryQuestion
from benchmark.families.dictionary.metrics.key_frequency_recall import key_frequency_recall
from benchmark.families.dictionary.metrics.recall_at_cosine import recall_at_cosine
from benchmark.families.dictionary.metrics.subspace_recall import subspace_recall
from benchmark.families.dictionary.references import oracle, random
from benchmark.families.dictionary.subspaces import found_by, halves, truth_of_subspaces
from benchmark.families.dictionary.tables import truth_tables

D = 8
PLANE = torch.eye(D)[:2]


def at(angle: float, out: float = 0.0, aside: int = 2) -> torch.Tensor:
    """A unit vector whose shadow on the plane lies at an angle, lifted out of it along another axis."""
    vector = torch.zeros(D)
    vector[0], vector[1] = math.cos(out) * math.cos(angle), math.cos(out) * math.sin(angle)
    vector[aside] = math.sin(out)
    return vector


def case(seed: int = 0, rows: int = 50):
    """Two planes and a line in eight dimensions."""
    generator = torch.Generator().manual_seed(seed)
    axes = torch.linalg.qr(torch.randn(D, 5, generator=generator)).Q.T
    coordinates = torch.randn(2, rows, 5, generator=generator)
    truth = truth_of_subspaces(axes.split([2, 2, 1]), coordinates[0], coordinates[1], torch.ones(D))
    question = DictionaryQuestion(
        coordinates[0] @ axes + 1, coordinates[0] @ axes + 1, coordinates[1] @ axes + 1, size=10, sparsity=5, seed=0
    )
    return question, truth


def test_halves_are_not_negative_and_add_up_to_the_coordinates() -> None:
    coordinates = torch.randn(20, 3)
    codes = halves(coordinates)
    assert codes.min() >= 0
    torch.testing.assert_close(codes[:, :3] - codes[:, 3:], coordinates)
    assert ((codes > 0).sum(1) == 3).all()


def test_the_oracle_is_exact_and_finds_everything() -> None:
    question, truth = case()
    planted = oracle(question, truth)
    torch.testing.assert_close(planted.test_codes @ planted.atoms + planted.bias, question.test)
    assert subspace_recall(planted, truth) == 1
    assert subspace_recall(random(question, torch.Generator().manual_seed(0)), truth) < 1


def test_one_atom_of_a_plane_is_not_half_of_it() -> None:
    question, truth = case()
    planted = oracle(question, truth)
    one_of_each = torch.stack([axes[0] for axes in truth.subspaces])
    assert subspace_recall(type(planted)(**{**vars_of(planted), "atoms": one_of_each}), truth) == pytest.approx(1 / 3)


def vars_of(explanation):
    return {name: getattr(explanation, name) for name in explanation.__dataclass_fields__}


@pytest.mark.parametrize(
    ("atoms", "found"),
    [
        ([at(0), at(math.pi / 2)], True),
        ([at(0), at(0), -at(0)], False),  # copies span nothing
        ([at(0), at(0.3)], False),  # of cosine .96: they count as one
        ([at(0), at(0.6)], True),  # of cosine .83
        ([at(0, 0.4), at(math.pi / 2, 0.4, aside=3)], True),  # 23 degrees out of the plane, each its own way
        ([at(0, 0.5), at(math.pi / 2)], False),  # 29 degrees
        ([at(0, 0.4), at(0.6, -0.4)], False),  # both are near, what they span is not: their difference points out
        ([at(0, 0.4), at(math.pi / 2, 0.4)], False),  # likewise their sum
        ([at(0) + torch.eye(D)[2], at(math.pi / 2)], False),  # a mixture with another feature is near neither
        ([], False),
    ],
)
def test_a_plane_is_found_by_atoms_near_it_that_span_it(atoms, found) -> None:
    assert found_by(torch.stack(atoms) if atoms else torch.zeros(0, D), PLANE) is found


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 1.2))
def test_signs_lengths_order_and_rotations_do_not_matter(seed, noise) -> None:
    generator = torch.Generator().manual_seed(seed)
    atoms = torch.randn(12, D, generator=generator, dtype=torch.double) * torch.tensor([1, 1, *[noise / 2] * (D - 2)])
    scale = (0.1 + torch.rand(12, 1, generator=generator)) * torch.tensor([1.0, -1.0]).repeat(6)[:, None]
    turn = torch.linalg.qr(torch.randn(D, D, generator=generator, dtype=torch.double)).Q
    moved = (scale * atoms)[torch.randperm(12, generator=generator)] @ turn
    assert found_by(moved, PLANE.double() @ turn) is found_by(atoms, PLANE)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_of_one_dimension_it_is_recall_at_cosine_but_for_signs(seed) -> None:
    generator = torch.Generator().manual_seed(seed)
    axes = torch.eye(4)
    truth = truth_of_subspaces(axes.split(1), torch.randn(9, 4), torch.randn(9, 4), torch.zeros(4))
    question = DictionaryQuestion(*torch.randn(3, 9, 4, generator=generator), size=40, sparsity=2, seed=0)
    drawn = random(question, generator)
    both = type(drawn)(**{**vars_of(drawn), "atoms": torch.cat([drawn.atoms, -drawn.atoms])})
    assert subspace_recall(drawn, truth) == pytest.approx(recall_at_cosine(both, truth))


def test_one_atom_in_a_plane_names_its_frequency_and_does_not_span_it() -> None:
    planes = torch.eye(D)[:6].split(2)
    truth = truth_of_subspaces(planes, torch.randn(9, 6), torch.randn(9, 6), torch.zeros(D))
    question = DictionaryQuestion(*torch.randn(3, 9, D), size=9, sparsity=2, seed=0)
    drawn = random(question, torch.Generator())
    atoms = torch.stack([at(0.3), at(0.3), at(1.0, out=0.6), torch.eye(D)[2], torch.eye(D)[3]])
    given = type(drawn)(**{**vars_of(drawn), "atoms": atoms})
    assert key_frequency_recall(given, truth) == pytest.approx(2 / 3)
    assert subspace_recall(given, truth) == pytest.approx(1 / 3)


def test_tables_say_to_which_subspace_a_direction_belongs() -> None:
    _, truth = case()
    columns = truth_tables(truth)[-1].columns
    assert columns["subspace"].tolist() == [0, 0, 1, 1, 2] * 2
