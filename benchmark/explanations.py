"""Explanations on their way: a family's dataclass taken apart into tensors and plain values, and put together again.

    plain, tensors = parts(explanation)          whole(cls, plain, tensors) -> the explanation

A field holds a tensor, a mapping of names to tensors (stored as `field/name`), or what JSON holds. Tensors are stored
as the numbers they are: a subclass with methods of its own becomes a plain tensor.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor

T = TypeVar("T")


def parts(explanation: Any) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The plain fields of an explanation, and its tensors by name, on the CPU."""
    plain: dict[str, Any] = {}
    tensors: dict[str, Tensor] = {}
    for field in dataclasses.fields(explanation):
        value = getattr(explanation, field.name)
        if isinstance(value, Tensor):
            tensors[field.name] = _plain_tensor(value)
        elif isinstance(value, Mapping) and any(isinstance(part, Tensor) for part in value.values()):
            tensors |= {f"{field.name}/{name}": _plain_tensor(part) for name, part in value.items()}
        else:
            plain[field.name] = value
    return plain, tensors


def _plain_tensor(tensor: Tensor) -> Tensor:
    with torch._C.DisableTorchFunctionSubclass():
        return tensor.detach().as_subclass(torch.Tensor).cpu().contiguous()


def whole(cls: type[T], plain: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> T:
    """The explanation of class `cls` from its parts. Raises `TypeError` where they are not those of the class."""
    values = dict(plain)
    for name in tensors:
        field, _, part = name.partition("/")
        if part:
            values.setdefault(field, {})[part] = tensors[name]
        else:
            values[field] = tensors[name]
    return cls(**values)
