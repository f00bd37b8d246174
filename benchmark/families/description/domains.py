"""What black boxes may be asked: real numbers, texts, rows of tokens, images.

    domain.admit(asked) -> points [n, ...]           an array, or an error that says what a point must be
    domain.count(points) -> int                      what they cost
    domain.sample(count, seed) -> points             drawn from all of the domain, for whoever has no better idea

A domain belongs to the task. The task says so with `provides=("reals",)`, a method that knows no other with
`requires=("reals",)`; one that reads `box.domain` itself needs to say nothing. Another package may bring a domain of
its own: whatever has these three functions and a name is one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from numpy.typing import ArrayLike

from benchmark.errors import TouchstoneError

Points = Any  # an array: float64 of any shape (reals), text [n], int64 [n, length] (tokens), float32 [n, c, h, w]


class Domain(Protocol):
    """What a box may be asked."""

    @property
    def name(self) -> str:
        """The word with which tasks provide it and methods require it."""

    def admit(self, asked: Any) -> Points:
        """The points as one array. Raises TouchstoneError for what is no point of the domain."""

    def count(self, points: Points) -> int:
        """How many points an admitted array holds."""

    def sample(self, count: int, seed: int) -> Points:
        """`count` points drawn from all of the domain, the same for the same seed."""


@dataclass(frozen=True)
class Reals:
    """The numbers from `low` to `high`; an array of any shape holds as many points as numbers."""

    low: float
    high: float
    name: ClassVar[str] = "reals"

    def admit(self, asked: ArrayLike) -> Float64[ndarray, "*shape"]:
        """See `Domain`."""
        points = np.array(asked, dtype=np.float64)
        if not (np.isfinite(points).all() and (points >= self.low).all() and (points <= self.high).all()):
            raise TouchstoneError(
                f"got points from {points.min():.6g} to {points.max():.6g}, "
                f"expected finite ones in [{self.low:g}, {self.high:g}]"
            )
        return points

    def count(self, points: Points) -> int:
        """See `Domain`."""
        return int(points.size)

    def sample(self, count: int, seed: int) -> Float64[ndarray, " count"]:
        """See `Domain`."""
        return np.random.default_rng(seed).uniform(self.low, self.high, count)


@dataclass(frozen=True)
class Strings:
    """Texts of at most `longest` letters of an alphabet; the empty text is one of them."""

    alphabet: str
    longest: int
    name: ClassVar[str] = "strings"

    def __post_init__(self) -> None:
        if not self.alphabet or len(set(self.alphabet)) < len(self.alphabet) or "\0" in self.alphabet:
            raise TouchstoneError(f"got the alphabet {self.alphabet!r}, expected letters, each once, none of them \\0")

    def admit(self, asked: ArrayLike) -> Points:
        """See `Domain`; a lone text is one point."""
        texts = np.atleast_1d(np.asarray(asked))
        expected = f"texts [n] of at most {self.longest} letters of {self.alphabet!r}"
        if texts.dtype.kind != "U" or texts.ndim != 1:
            raise TouchstoneError(f"got {texts.dtype} of shape {list(texts.shape)}, expected {expected}")
        for text in texts.tolist():
            if len(text) > self.longest or not set(text) <= set(self.alphabet):
                raise TouchstoneError(f"got {text[:40]!r}, expected {expected}")
        return texts.astype(f"U{max(1, self.longest)}")

    def count(self, points: Points) -> int:
        """See `Domain`."""
        return len(points)

    def sample(self, count: int, seed: int) -> Points:
        """See `Domain`; every length is as likely as every other."""
        random = np.random.default_rng(seed)
        letters = np.array(list(self.alphabet))
        lengths = random.integers(0, self.longest + 1, count)
        texts = ["".join(random.choice(letters, length)) for length in lengths]
        return np.array(texts, dtype=f"U{max(1, self.longest)}")


@dataclass(frozen=True)
class Tokens:
    """Rows of at most `longest` token numbers below `vocabulary`; the rows of one query are equally long."""

    vocabulary: int
    longest: int
    name: ClassVar[str] = "tokens"

    def admit(self, asked: ArrayLike) -> Points:
        """See `Domain`."""
        rows = np.asarray(asked)
        expected = f"whole numbers below {self.vocabulary} in rows [n, 1 to {self.longest}]"
        if rows.dtype.kind not in "iu" or rows.ndim != 2 or not 1 <= rows.shape[1] <= self.longest:
            raise TouchstoneError(f"got {rows.dtype} of shape {list(rows.shape)}, expected {expected}")
        if rows.size and not 0 <= int(rows.min()) <= int(rows.max()) < self.vocabulary:
            raise TouchstoneError(f"got tokens from {rows.min()} to {rows.max()}, expected {expected}")
        return rows.astype(np.int64)

    def count(self, points: Points) -> int:
        """See `Domain`."""
        return len(points)

    def sample(self, count: int, seed: int) -> Points:
        """See `Domain`; rows of full length."""
        return np.random.default_rng(seed).integers(0, self.vocabulary, (count, self.longest))


@dataclass(frozen=True)
class Images:
    """Images [channels, height, width] with values from `low` to `high`."""

    shape: tuple[int, int, int]
    low: float = 0.0
    high: float = 1.0
    name: ClassVar[str] = "images"

    def admit(self, asked: ArrayLike) -> Points:
        """See `Domain`; one image may come without its first axis."""
        images = np.array(asked, dtype=np.float32)
        if images.shape == self.shape:
            images = images[None]
        if images.ndim != 4 or images.shape[1:] != self.shape:
            raise TouchstoneError(f"got images of shape {list(images.shape)}, expected [n, {str(self.shape)[1:-1]}]")
        if not (np.isfinite(images).all() and (images >= self.low).all() and (images <= self.high).all()):
            raise TouchstoneError(
                f"got values beyond the bounds, expected finite ones in [{self.low:g}, {self.high:g}]"
            )
        return images

    def count(self, points: Points) -> int:
        """See `Domain`."""
        return len(points)

    def sample(self, count: int, seed: int) -> Points:
        """See `Domain`; every value for itself."""
        values = np.random.default_rng(seed).uniform(self.low, self.high, (count, math.prod(self.shape)))
        return values.reshape(count, *self.shape).astype(np.float32)


def grid(low: float, high: float, points: int) -> Float64[ndarray, " m"]:
    """The midpoints of `points` equal cells of [low, high]."""
    return low + (np.arange(points) + 0.5) * ((high - low) / points)
