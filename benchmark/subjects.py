"""Subjects: toy models with a planted answer, how they are trained, and how they are read back.

    class Subject:                                     a frozen dataclass in tasks/models/<name>/subject.py
        def train(self, run: Run) -> Trained           one seed: weights, what methods may see, and the certificate
        def load(self, saved: Saved) -> nn.Module      the trained model, rebuilt from the weights on disk

Whatever `Trained.public` holds is written where the poser reads. The truth is never among it: the score stage rebuilds
it from the seed.

Three things are called seeds, and are not the same: the seed of the plant, from which data, weights and truth come
(`Run.seed`, `Saved.seed`); the public label of an instance (0, 1, 2), which equals it unless seeds are sealed; and the
seed of a method, from which its own draws come (`Saved.method_seed`), the only one that a posed question may hold.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from benchmark.plugins import subject

__all__ = ["Check", "Run", "Saved", "Trained", "generator_for", "subject"]


@dataclass(frozen=True)
class Check:
    """One measured line of a certificate: `value` must be at least (or at most) `threshold`."""

    name: str
    value: float
    threshold: float
    at_least: bool = True

    @property
    def passed(self) -> bool:
        """Whether the measured value is on the right side of its threshold; NaN never is."""
        return self.value >= self.threshold if self.at_least else self.value <= self.threshold


def generator_for(seed: int, name: str) -> torch.Generator:
    """A CPU generator that depends on `seed` and `name` alone, so that adding one random draw never shifts another."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") % 2**63)


def _quiet(step: int, total: int, **values: float) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class Run:
    """What a subject's training gets from the engine."""

    seed: int
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    progress: Callable[..., None] = _quiet
    """`progress(step, total, loss=0.3, ...)`: call it as often as you like, it prints at a sensible rate."""

    def generator(self, name: str) -> torch.Generator:
        """A CPU generator for one named purpose ("weights", "batches"), derived from the seed."""
        return generator_for(self.seed, name)


@dataclass(frozen=True)
class Trained:
    """What training returns."""

    weights: dict[str, Tensor]
    """The model's tensors, by name."""
    public: dict[str, Tensor]
    """Arrays that methods may see: inputs, labels, activations. Never the truth."""
    checks: list[Check]
    """The certificate: measured evidence that the subject uses what was planted."""
    facts: dict[str, float] = field(default_factory=dict)
    """Further measured numbers worth showing (accuracy under attack, loss)."""


@dataclass(frozen=True)
class Saved:
    """A trained subject, read from disk: what a task poses a question about."""

    subject: Any
    """The subject's dataclass with its resolved parameters."""
    seed: int
    """The seed of the plant. It belongs into no posed question."""
    device: torch.device
    weights: Mapping[str, Tensor]
    public: Mapping[str, Tensor]
    method_seed: int = 0
    """Where a method's own randomness starts."""

    @property
    def identity(self) -> str:
        """Which of a seed's subjects this is, in 12 hexadecimal digits: equal where class and parameters are.

        Made without the seed, so that whoever sees it cannot find the seed by trying.
        """
        return hashlib.sha256(repr(self.subject).encode()).hexdigest()[:12]

    def generator(self, name: str) -> torch.Generator:
        """The generator of the same name that training had: the truth is rebuilt with it."""
        return generator_for(self.seed, name)
