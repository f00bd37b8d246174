"""Explanations on disk: the tensors of the family's dataclass as safetensors, everything else as JSON.

write_explanation(path, explanation) -> its record        read_explanation(path, record, cls) -> the explanation
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from benchmark.artifacts import TensorFile, write_tensors


def write_explanation(path: Path, explanation: Any) -> dict[str, Any]:
    """Write the tensors to `path`; return the file's record and the plain fields, which belong into the cell's JSON."""
    values = {field.name: getattr(explanation, field.name) for field in dataclasses.fields(explanation)}
    tensors = {name: value for name, value in values.items() if isinstance(value, Tensor)}
    plain = {name: value for name, value in values.items() if not isinstance(value, Tensor)}
    return {"file": path.name, "record": write_tensors(path, tensors), "plain": plain}


def read_explanation(folder: Path, written: Mapping[str, Any], cls: type[Any]) -> Any:
    """Read an explanation back, verifying its checksum."""
    tensors = TensorFile(folder / written["file"], written["record"])
    return cls(**dict(tensors), **written["plain"])
