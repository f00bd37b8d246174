"""Handwritten digits as 28 x 28 images in [0, 1], split into train and test without overlap.

    read_digits("digits", "", generator) -> Digits

- "digits": the 1,797 real digits that come with scikit-learn (8 x 8 pixels, 43 writers; Alpaydin and Kaynak 1998,
  doi:10.24432/C50P49), enlarged bilinearly. No network, no download.
- "mnist": MNIST in the form in which the Hugging Face hub stores it (columns `image` and `label`, splits `train` and
  `test`), read with the `datasets` library: from the hub, or from a local folder of that form.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from benchmark.errors import TouchstoneError

Data = Literal["digits", "mnist"]
SIDE = 28
TEST_DIGITS = 500
"""Of scikit-learn's 1,797 digits, this many are held out for testing."""


@dataclass(frozen=True, eq=False)
class Digits:
    """Digits with their labels 0 to 9; no image is in both parts."""

    train: Float[Tensor, "m 28 28"]
    train_labels: Int[Tensor, " m"]
    test: Float[Tensor, "n 28 28"]
    test_labels: Int[Tensor, " n"]


def read_digits(data: Data, source: str, generator: torch.Generator) -> Digits:
    """Read `data`; `generator` draws the split of "digits" and the order of "mnist" (whose own split is kept)."""
    return embedded(generator) if data == "digits" else hub(source, generator)


def embedded(generator: torch.Generator) -> Digits:
    """scikit-learn's digits, split at random: 1,297 for training and 500 for testing.

    The set holds no image twice (a test asserts it), so that a split by index is a split by image.
    """
    table = torch.from_numpy(np.loadtxt(_digits_file(), delimiter=",", dtype=np.float32))
    small = table[:, :-1].reshape(-1, 1, 8, 8) / 16
    images = F.interpolate(small, size=(SIDE, SIDE), mode="bilinear", align_corners=False)[:, 0]
    labels = table[:, -1].long()
    order = torch.randperm(len(images), generator=generator)
    test, train = order[:TEST_DIGITS], order[TEST_DIGITS:]
    return Digits(images[train], labels[train], images[test], labels[test])


def _digits_file() -> Path:
    """Where scikit-learn keeps its digits: a row an image, the label last. Its own reader (a test compares) comes with
    all of its data sets, two seconds of imports in every process that needs an image."""
    library = find_spec("sklearn")
    places = list(library.submodule_search_locations or ()) if library is not None else []
    return Path(*places) / "datasets" / "data" / "digits.csv.gz"


def hub(source: str, generator: torch.Generator) -> Digits:
    """MNIST through `datasets`: `source` is a dataset of the hub ("ylecun/mnist") or a local folder of the same form.

    Raises:
        TouchstoneError: if the library or the data cannot be had, saying what was tried and what to set instead.
    """
    try:
        import datasets
    except ImportError as error:
        raise TouchstoneError(
            'data="mnist" needs the `datasets` library, which is not installed. Install the extra `hub`'
            ' (pip install "touchstone-benchmark[hub]"), or set data="digits", which needs no download.'
        ) from error
    local = Path(source).expanduser()
    try:
        loaded = datasets.load_dataset(str(local) if local.exists() else source)
        parts = {name: _arrays(loaded[name]) for name in ("train", "test")}
    except Exception as error:  # the library raises a different type for each way in which data can be missing
        where = "the local folder" if local.exists() else "the Hugging Face hub (no such local folder exists)"
        raise TouchstoneError(
            f'data="mnist" could not be read: tried {source!r} in {where} and got {type(error).__name__}:'
            f" {str(error).splitlines()[0] if str(error) else 'no message'}. Set `source` to a dataset of the hub that"
            ' can be reached ("ylecun/mnist") or to a local folder with the splits `train` and `test` and the columns'
            ' `image` and `label`, or set data="digits", which needs no network.'
        ) from error
    train, test = (torch.randperm(len(parts[name][1]), generator=generator) for name in ("train", "test"))
    return Digits(parts["train"][0][train], parts["train"][1][train], parts["test"][0][test], parts["test"][1][test])


def _arrays(split: Any) -> tuple[Float[Tensor, "n 28 28"], Int[Tensor, " n"]]:
    """The images of a split in [0, 1] and its labels."""
    images = np.stack([np.asarray(image, dtype=np.uint8) for image in split["image"]])
    return torch.from_numpy(images).float() / 255, torch.tensor(split["label"], dtype=torch.long)
