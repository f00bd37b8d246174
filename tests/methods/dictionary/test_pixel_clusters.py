"""The control that clusters pixels: it sees what the pixels tell, and nothing of the activations' own making."""

import dataclasses

import pytest
import torch

from benchmark.errors import Unsupported
from benchmark.families.dictionary import DictionaryQuestion, blinded, check
from methods.dictionary.pixel_clusters import pixel_clusters


def posed():
    """Rows of three kinds, each with a picture and a direction of its own."""
    generator = torch.Generator().manual_seed(0)
    written, drawn = torch.randn(3, 5, generator=generator), torch.randn(3, 1, 4, 4, generator=generator)
    kinds = {split: torch.randint(3, (300,), generator=generator) for split in ("train", "validation", "test")}
    rows = {split: written[kind] for split, kind in kinds.items()}
    pixels = {split: drawn[kind] for split, kind in kinds.items()}
    return DictionaryQuestion(**rows, size=3, sparsity=1, seed=0, inputs=pixels), kinds["test"]


def test_pictures_that_differ_are_told_apart_and_get_the_rows_mean():
    question, kinds = posed()
    found = check(pixel_clusters(question, ridge=1e-6), question)
    codes = found.test_codes
    assert (codes > 0).sum(1).eq(1).all()
    atoms = [codes[kinds == kind].argmax(1).unique() for kind in range(3)]
    assert all(len(one) == 1 for one in atoms)
    assert len(torch.cat(atoms).unique()) == 3
    torch.testing.assert_close(codes @ found.atoms + found.bias, question.test, atol=1e-3, rtol=1e-3)


def test_its_codes_do_not_depend_on_the_activations():
    question, _ = posed()
    other = dataclasses.replace(question, train=question.train.flip(0), test=torch.zeros_like(question.test))
    assert torch.equal(pixel_clusters(question).test, pixel_clusters(other).test)


def test_without_pixels_it_does_not_apply():
    with pytest.raises(Unsupported, match="no pixels"):
        pixel_clusters(blinded(posed()[0]))
