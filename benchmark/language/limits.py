"""How long, deep, large and expensive a program may be. All limits are checked before the cost they bound is paid."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds on one program and one evaluation of it."""

    characters: int = 20_000
    """Length of the text."""
    literal: int = 40
    """Characters of one number or name."""
    depth: int = 100
    """How deep expressions may nest."""
    instructions: int = 2_000
    """Size of the program; a condition, a constant and an operator count 1 each."""
    steps: int = 20_000_000
    """Instructions times points of one evaluation: about a second at worst."""
    chunk: int = 4_096
    """Points evaluated at a time, so that intermediate values stay under `instructions` x `chunk` x 8 bytes (66 MB)."""
