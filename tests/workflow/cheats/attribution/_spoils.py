"""What the cheats share: ways to try, and the answer that tells whether one of them worked.

    WAYS = {"name of a way": function without arguments that returns loot, nothing, or raises}
    return answer(subject, loot(WAYS))

A planted mask is answered as it is; other loot is confessed in an answer that no honest method gives; without loot the
answer is that of the control `input_magnitude`, to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor

Ways = Mapping[str, Callable[[], Any]]


def tried(ways: Ways) -> dict[str, Any]:
    """What each way brought that brought something."""
    found = {}
    for name, way in ways.items():
        with suppress(Exception):
            if (brought := way()) is not None and brought is not False:
                found[name] = brought
    return found


def loot(ways: Ways) -> Any:
    """What the first way brought that brought something."""
    return next(iter(tried(ways).values()), None)


def answer(question: Any, brought: Any) -> Tensor:
    """The truth, a confession, or what the control says."""
    honest = (question.inputs - question.baseline).abs()
    if isinstance(brought, Tensor):
        return brought.float()
    return honest if brought is None else 1 / (1 + honest)


def mask_in(objects: Iterable[Any]) -> Tensor | None:
    """The planted mask, if one of the objects is the truth or can make it."""
    here = list(objects)
    trained = [one for one in here if type(one).__name__ == "Saved"]
    for one in here:
        with suppress(Exception):
            if type(one).__name__ == "AttributionTruth":
                return one.masks[""]
            if type(one).__name__ == "Concrete":
                return one.truth().masks[""]
            if isinstance(getattr(type(one), "truth", None), type(mask_in)):
                return one.truth(trained[0]).masks[""]
    return None


def inside(value: Any) -> Iterable[Any]:
    """A value, and what lies in it if it is a collection or has attributes."""
    yield value
    parts = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list | tuple) else []
    yield from parts
    with suppress(TypeError):
        yield from vars(value).values() if not isinstance(value, type | torch.nn.Module) else ()
