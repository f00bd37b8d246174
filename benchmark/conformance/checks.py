"""What a check is: a name, the reason why it must hold, and a function that sees whether it does.

METHODS = Suite()

@METHODS("it leaves what it was given as it was", "the next method gets the same arrays")
def _gentle(case) -> str: ...          returns what was seen, or raises `Broken`
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from benchmark.errors import TouchstoneError

DRAWS = 40
"""So many random explanations stand for chance."""


class Broken(TouchstoneError):
    """A check does not hold; the message says what was seen."""


class Declined(Exception):
    """The plugin says that it does not apply; nothing more can be checked."""


@dataclass(frozen=True)
class Finding:
    """One check: its name, whether it held, and what was seen."""

    name: str
    passed: bool
    detail: str = ""


@dataclass(frozen=True)
class Check:
    """One thing that must hold for a kind of plugins."""

    name: str
    reason: str
    run: Callable[[Any], str]
    gate: bool = False
    """Whether the checks behind it make no sense where it fails."""


class Suite(list[Check]):
    """The checks of one kind, in their order."""

    def __call__(self, name: str, reason: str, *, gate: bool = False) -> Callable[..., Any]:
        """Add the function below as a check."""

        def add(run: Callable[[Any], str]) -> Callable[[Any], str]:
            self.append(Check(name, reason, run, gate))
            return run

        return add

    def run(self, case: Any, send: Callable[[dict[str, Any]], None]) -> None:
        """Run all checks on a case and send a finding of each."""
        for check in self:
            try:
                passed, detail = True, check.run(case)
            except Declined as error:
                send({"name": check.name, "passed": True, "detail": f"declines it: {error}"})
                return
            except TouchstoneError as error:
                passed, detail = False, f"{error} ({check.reason})"
            send({"name": check.name, "passed": passed, "detail": detail})
            if check.gate and not passed:
                return


def expect(held: bool, otherwise: str = "it does not") -> None:
    """Raise `Broken` with what was seen instead, unless it held."""
    if not held:
        raise Broken(otherwise)


def same(left: Any, right: Any) -> bool:
    """Whether two values hold the same arrays, numbers and texts, through dataclasses, models and collections."""
    if isinstance(left, torch.Tensor):
        return isinstance(right, torch.Tensor) and torch.equal(left, right)
    if isinstance(left, np.ndarray):
        return np.array_equal(left, right)
    if isinstance(left, torch.nn.Module):
        return same(_state(left), _state(right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if hasattr(left, "__dataclass_fields__"):
        return all(same(getattr(left, name), getattr(right, name)) for name in left.__dataclass_fields__)
    return callable(left) or bool(left == right)


def _state(model: torch.nn.Module) -> list[Any]:
    """What a method may leave changed in a model: weights, modes, hooks, what asks for gradients."""
    hooks = [
        [len(m._forward_hooks), len(m._forward_pre_hooks), len(m._backward_hooks), len(m._backward_pre_hooks)]
        for m in model.modules()
    ]
    modes = [module.training for module in model.modules()]
    return [dict(model.state_dict()), modes, hooks, [weights.requires_grad for weights in model.parameters()]]
