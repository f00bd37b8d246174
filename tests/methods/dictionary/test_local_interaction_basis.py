"""The local interaction basis in closed form: on a linear read-out it is a singular value decomposition."""

import pytest
import torch
from torch.nn.functional import normalize

from benchmark.errors import Unsupported
from benchmark.families.dictionary import DictionaryQuestion
from methods.dictionary.local_interaction_basis import interaction_axes, local_interaction_basis
from methods.dictionary.pca import pca

D, ROWS = 6, 500


@pytest.fixture
def rows():
    generator = torch.Generator().manual_seed(0)
    mixing = torch.randn(D, D, generator=generator, dtype=torch.double)
    x = torch.randn(ROWS, D, generator=generator, dtype=torch.double) @ mixing
    return x - x.mean(0)


def asked(x, gram, size=2 * D, sparsity=2 * D):
    x = x.float() + 1
    return DictionaryQuestion(x, x[:50], x[50:90], size=size, sparsity=sparsity, seed=0, jacobian_gram=gram.float())


def test_of_a_linear_read_out_the_codes_are_its_singular_directions_in_whitened_coordinates(rows) -> None:
    reads = torch.randn(4, D, generator=torch.Generator().manual_seed(1), dtype=torch.double)
    analysis, atoms = interaction_axes(rows, reads.T @ reads, 1e-9)
    assert len(analysis) == 4, "nothing reads the other two"
    codes = rows @ analysis.T
    values, vectors = torch.linalg.eigh(rows.T @ rows / ROWS)
    root = vectors * values.sqrt()
    lengths = torch.linalg.svdvals(reads @ root)
    torch.testing.assert_close(codes.T @ codes / ROWS, torch.diag(lengths**2))
    # all that is read is written back, and it changes by as much with each code
    torch.testing.assert_close(codes @ atoms @ reads.T, rows @ reads.T)
    torch.testing.assert_close(atoms @ reads.T @ reads @ atoms.T, torch.eye(4, dtype=torch.double))


def test_where_all_directions_are_read_alike_they_are_principal_axes(rows) -> None:
    question = asked(rows, torch.eye(D))
    found, principal = local_interaction_basis(question), pca(question)
    alike = (normalize(found.atoms, dim=1) @ principal.atoms.T).abs()
    torch.testing.assert_close(alike.amax(1), torch.ones(2 * D), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(found.test @ found.atoms + found.bias, question.test, rtol=1e-3, atol=1e-3)


def test_what_is_read_comes_before_what_varies(rows) -> None:
    x = torch.linalg.svd(rows, full_matrices=False).U * torch.tensor([9.0, 7, 5, 1, 1, 1])
    gram = torch.diag(torch.tensor([0.0, 0, 0, 4, 2, 1]))
    found = local_interaction_basis(asked(x, gram, size=4))
    assert len(found.atoms) == 4
    assert normalize(found.atoms, dim=1)[0, 3].abs() > 0.99
    assert normalize(found.atoms, dim=1)[1, 4].abs() > 0.99


def test_directions_that_do_not_vary_are_left_out(rows) -> None:
    flat = rows.clone()
    flat[:, 0] = flat[:, 1]
    analysis, atoms = interaction_axes(flat, torch.eye(D, dtype=torch.double), 1e-9)
    assert len(analysis) == len(atoms) == D - 1
    torch.testing.assert_close(flat @ analysis.T @ atoms, flat)


def test_it_says_where_it_does_not_apply(rows) -> None:
    question = DictionaryQuestion(*rows.float().split([300, 100, 100]), size=4, sparsity=2, seed=0)
    with pytest.raises(Unsupported, match="jacobian_gram"):
        local_interaction_basis(question)
