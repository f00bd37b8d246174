"""Arrays come back from Parquet as they were, and the card says what they are."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from benchmark.errors import TouchstoneError
from benchmark.export.columns import column, feature

NUMBERS = st.sampled_from([np.bool_, np.int8, np.int32, np.int64, np.uint8, np.float32, np.float64])
SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)


@given(st.data(), NUMBERS, SHAPES)
def test_numbers_come_back(data: st.DataObject, kind: type, shape: tuple[int, ...]) -> None:
    array = data.draw(
        arrays.arrays(kind, shape, elements={"allow_nan": False} if kind in (np.float32, np.float64) else None)
    )
    made = column(array)
    assert len(made) == shape[0]
    np.testing.assert_array_equal(np.array(made.to_pylist(), dtype=kind), array)
    np.testing.assert_array_equal(np.array(column(torch.from_numpy(array)).to_pylist(), dtype=kind), array)


def test_types_are_told_as_a_card_has_them() -> None:
    assert feature("x", column(torch.zeros(2, 3, 4)).type) == {"name": "x", "list": {"list": "float32"}}
    assert feature("x", column(torch.zeros(2, dtype=torch.bool)).type) == {"name": "x", "dtype": "bool"}
    assert feature("x", column(["a", ""]).type) == {"name": "x", "dtype": "string"}
    assert column([]).type == pa.string()
    assert column(torch.zeros(2, 2, dtype=torch.bfloat16)).type == pa.list_(pa.float32())


def test_what_is_no_column_is_refused() -> None:
    with pytest.raises(TouchstoneError, match="complex64, expected numbers"):
        column(torch.zeros(2, dtype=torch.complex64))
