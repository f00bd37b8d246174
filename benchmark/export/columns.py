"""Arrays as columns of Parquet, and what the columns are as the card of a Hugging Face dataset says it.

column(tensor [n, 3, 28, 28])  ->  n nested lists        feature("input", its type)  ->  {"name": ..., "list": ...}
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from torch import Tensor

from benchmark.errors import TouchstoneError

NAMES = {
    pa.bool_(): "bool",
    pa.int8(): "int8",
    pa.int16(): "int16",
    pa.int32(): "int32",
    pa.int64(): "int64",
    pa.uint8(): "uint8",
    pa.float16(): "float16",
    pa.float32(): "float32",
    pa.float64(): "float64",
    pa.string(): "string",
}


def column(values: Any) -> pa.Array:
    """A tensor or array [n, ...] as n values or n nested lists; texts as they are.

    Raises:
        TouchstoneError: a type that a data set does not hold.
    """
    array = _array(values)
    if array.dtype.kind == "U":
        return pa.array(array.tolist(), pa.string())
    if array.dtype.kind not in "biuf":
        raise TouchstoneError(f"got a column of {array.dtype}, expected numbers, truth values or texts")
    nested = pa.array(np.ascontiguousarray(array).reshape(-1))
    for axis in range(array.ndim - 1, 0, -1):
        rows = int(np.prod(array.shape[:axis], dtype=np.int64))
        offsets = np.arange(rows + 1, dtype=np.int32) * array.shape[axis]
        nested = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), nested)
    return nested


def _array(values: Any) -> np.ndarray[Any, Any]:
    if isinstance(values, Tensor):
        plain = values.detach().cpu()
        return (plain.float() if str(plain.dtype) == "torch.bfloat16" else plain).numpy()
    array = np.asarray(values)
    return array if array.size or not isinstance(values, list) else array.astype(np.str_)


def feature(name: str, kind: pa.DataType) -> dict[str, Any]:
    """A column's name and type in the form of a card's `dataset_info`."""
    inner = _type(kind)
    return {"name": name, **(inner if isinstance(inner, dict) else {"dtype": inner})}


def _type(kind: pa.DataType) -> Any:
    return {"list": _type(kind.value_type)} if pa.types.is_list(kind) else NAMES[kind]
