"""Edits of a model's activations: closed forms on a model that answers with the features that it reads."""

import torch

from benchmark.families.dictionary import Dictionary, DictionaryQuestion, DictionaryTruth, Edits, check
from benchmark.families.dictionary.metrics.edit_accuracy import counts, edit_accuracy

GAIN = 2.0
ROWS = torch.tensor([[1.0, 0, 0, 1], [0, 1, 0, 1], [0, 0, 1, 1], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]) > 0
"""One of three alternatives, and a feature beside them; direction i of size `GAIN` is the i-th axis."""


def question():
    rows = GAIN * ROWS.float()
    return DictionaryQuestion(rows, rows, rows, size=8, sparsity=2, seed=0)


def truth(most=1):
    """In each of the first three rows, its alternative is to become the next one; the rest is to stay."""
    rows = torch.arange(3)
    off, on = torch.arange(3), torch.tensor([1, 2, 0])
    wanted = ROWS[rows].clone()
    wanted[rows, off], wanted[rows, on] = False, True

    def follows(activations):
        return ((activations > GAIN / 2) == wanted).all(1).float()

    edits = Edits(rows, off, on, follows)
    return DictionaryTruth(ROWS, ROWS, edits={"validation": edits, "test": edits}, edited_atoms=most)


def answer(atoms, codes):
    given = question()
    return check(Dictionary(atoms, torch.zeros(4), codes, codes), given), given


def test_one_atom_for_each_feature_edits_all():
    for scale in (1.0, 2.0):
        explained, given = answer(torch.eye(4) * GAIN / scale, scale * ROWS.float())
        assert edit_accuracy(explained, truth(), given) == 1.0


def test_atoms_that_never_fire_edit_nothing():
    explained, given = answer(torch.eye(4), torch.zeros(6, 4))
    assert edit_accuracy(explained, truth(), given) == 0.0


def test_atoms_that_fire_rightly_but_point_elsewhere_edit_nothing():
    explained, given = answer(torch.eye(4).roll(1, 0)[[3, 0, 1, 2]] * 0.0, ROWS.float())
    assert edit_accuracy(explained, truth(), given) == 0.0


def test_a_feature_in_two_halves_needs_two_atoms():
    atoms = torch.cat([torch.eye(4), torch.eye(4)]) * GAIN / 2
    atoms[:4, 3] += 0.4 * GAIN  # the halves err in opposite ways
    atoms[4:, 3] -= 0.4 * GAIN
    halves, given = answer(atoms, ROWS.float().repeat(1, 2))
    assert edit_accuracy(halves, truth(2), given) == 1.0


def test_the_number_of_atoms_is_chosen():
    """The second best atom of each alternative is the feature beside them, which must stay."""
    explained, given = answer(torch.eye(4) * GAIN, ROWS.float())
    assert edit_accuracy(explained, truth(2), given) == 1.0


def test_counts_are_powers_of_two():
    assert [counts(most) for most in (1, 2, 3, 4, 8)] == [[1], [1, 2], [1, 2], [1, 2, 4], [1, 2, 4, 8]]
