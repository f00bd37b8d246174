"""Handwritten digits: the split, and what is said where the data cannot be had."""

from pathlib import Path

import pytest
import torch
from sklearn.datasets import load_digits

from benchmark.errors import TouchstoneError
from benchmark.subjects import generator_for
from tasks.models.shared.digits import read_digits


def test_no_digit_occurs_twice_so_that_a_split_cannot_leak():
    images = load_digits().images.reshape(1797, 64)
    assert len({image.tobytes() for image in images}) == 1797
    data = read_digits("digits", "", generator_for(0, "split"))
    train = {image.numpy().tobytes() for image in data.train}
    test = {image.numpy().tobytes() for image in data.test}
    assert (len(train), len(test)) == (1297, 500)
    assert not train & test
    assert data.train.min() >= 0
    assert data.train.max() <= 1
    assert set(data.test_labels.tolist()) == set(range(10))


def test_the_split_depends_on_the_seed_alone():
    first, again, other = (read_digits("digits", "", generator_for(seed, "split")) for seed in (0, 0, 1))
    assert torch.equal(first.test, again.test)
    assert not torch.equal(first.test, other.test)


def test_a_missing_hub_says_what_was_tried_and_what_to_set(tmp_path: Path, monkeypatch):
    pytest.importorskip("datasets")
    with pytest.raises(TouchstoneError, match=r"tried .*local folder.*data=\"digits\""):
        read_digits("mnist", str(tmp_path), generator_for(0, "split"))


def test_mnist_is_read_from_a_local_folder_of_the_hubs_form(tmp_path: Path):
    datasets = pytest.importorskip("datasets")
    image_module = pytest.importorskip("PIL.Image")
    for split, count in (("train", 5), ("test", 3)):
        pictures = [image_module.new("L", (28, 28), color=51 * index) for index in range(count)]
        rows = datasets.Dataset.from_dict({"image": pictures, "label": list(range(count))})
        rows.cast_column("image", datasets.Image()).to_parquet(tmp_path / f"{split}-00000-of-00001.parquet")
    data = read_digits("mnist", str(tmp_path), generator_for(0, "split"))
    assert data.train.shape == (5, 28, 28)
    assert data.test.shape == (3, 28, 28)
    for image, label in zip(data.train, data.train_labels, strict=True):
        assert torch.equal(image, torch.full((28, 28), int(label) * 51 / 255))
