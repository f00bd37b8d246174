"""What a notebook hands over is identified by all that it does, or not at all."""

from __future__ import annotations

import pickle  # noqa: TID251 - what the method's child does with it
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path, PosixPath
from typing import Any

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from torch import nn

from benchmark.errors import TouchstoneError
from benchmark.notebook.handing import hand_over

CELL = iter(range(10**6))


def cell(source: str, **captured: Any) -> dict[str, Any]:
    """The names of a notebook after one of its cells has run, with some that were there before."""
    names = {"__name__": "__main__", "np": np, "torch": torch, **captured}
    exec(compile(textwrap.dedent(source), f"<cell {next(CELL)}>", "exec"), names)  # noqa: S102
    return names


def identity(source: str, **captured: Any) -> str:
    handed = hand_over(cell(source, **captured)["method"])
    assert handed.identity or handed.unknown
    return handed.identity


USES = "def method(question): return question * weight"
SAME = [
    "def method(question):\n    return question * weight",
    "def method(question):\n    # a remark\n\n    return question * weight",
    "x = 1\n\ndef method(question): return question * weight",
]
OTHER = [
    "def method(question): return question * weight * 1.0",
    "def method(question): return question + weight",
    "def method(question, scale=1): return question * weight",
    "def method(question, scale=2): return question * weight",
    "def method(question, *, scale=2): return question * weight",
    "def helper(x): return x\ndef method(question): return helper(question * weight)",
    "def helper(x): return x + 1\ndef method(question): return helper(question * weight)",
    "class A:\n    scale = 1\ndef method(question): return question * A.scale",
    "def make(k):\n    def method(question): return question * k\n    return method\nmethod = make(3)",
    "def make(k):\n    def method(question): return question * k\n    return method\nmethod = make(4)",
    "def method(question): return [question * weight for _ in range(2)]",
    "def method(question): return [question * weight for _ in range(3)]",
]


def test_where_the_code_stands_does_not_matter() -> None:
    assert len({identity(source, weight=2.0) for source in SAME}) == 1


def test_every_other_code_default_and_captured_value_is_another_method() -> None:
    found = [identity(source, weight=2.0) for source in [USES, *OTHER]]
    assert all(found)
    assert len(set(found)) == len(found)


VALUES = st.one_of(
    st.floats(allow_nan=False),
    st.integers(),
    st.text(),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=3), st.floats(allow_nan=False), max_size=3),
)


@settings(max_examples=40, deadline=None)
@given(VALUES, VALUES)
def test_a_captured_value_that_differs_is_noticed(first: Any, second: Any) -> None:
    assert identity(USES, weight=first) == identity(USES, weight=first)
    if repr(first) != repr(second):
        assert identity(USES, weight=first) != identity(USES, weight=second)


@pytest.mark.parametrize(
    "make",
    [
        lambda x: np.array([1.0, x]),
        lambda x: torch.tensor([1.0, x]),
        lambda x: {"deep": [(torch.tensor(x),)]},
        lambda x: PCA(n_components=int(x)),
        lambda x: nn.Linear(2, 2).requires_grad_(False).apply(lambda m: nn.init.constant_(m.weight, x)),
    ],
    ids=["array", "tensor", "nested", "estimator", "module"],
)
def test_what_arrays_tensors_and_models_hold_counts(make: Any) -> None:
    torch.manual_seed(0)
    first = identity(USES, weight=make(2.0))
    torch.manual_seed(0)
    assert identity(USES, weight=make(2.0)) == first
    torch.manual_seed(0)
    assert identity(USES, weight=make(3.0)) != first


def test_a_value_counts_as_it_is_when_the_method_is_handed_over() -> None:
    names = cell(USES, weight=np.zeros(2))
    before = hand_over(names["method"]).identity
    names["weight"][1] = 1.0
    assert hand_over(names["method"]).identity != before


@pytest.mark.parametrize(
    ("source", "captured", "named"),
    [
        ("def method(question): return open('weights').read()", {}, "open"),
        ("def method(question): return np.load('weights.npy')", {}, "load"),
        ("def method(question): return get('weights.npy')", {"get": np.load}, "load"),
        ("def method(question): return get('weights')", {"get": open}, "open"),
        ("def method(question): return eval('1')", {}, "eval"),
        ("def method(question): return (lambda: __import__('x'))()", {}, "__import__"),
        ("def method(question): return place", {"place": PosixPath("x")}, "PosixPath"),
        ("import os\ndef method(question): return os.environ['X']", {}, "environ"),
        ("def method(question):\n    from nobody_has_this import x\n    return x", {}, "nobody_has_this"),
    ],
)
def test_what_reads_something_else_is_not_identified(source: str, captured: dict[str, Any], named: str) -> None:
    handed = hand_over(cell(source, **captured)["method"])
    assert handed.identity == ""
    assert named in handed.unknown


def test_a_model_in_eval_mode_and_libraries_are_identified() -> None:
    assert identity("def method(model, inputs):\n    import captum\n    return model.eval()(inputs)")
    assert hand_over(IntegratedGradients).identity != hand_over(PCA).identity != ""


@pytest.fixture
def own_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A module of the author's own beside the notebook."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / "own_helpers.py"
    path.write_text("def twice(x):\n    return 2 * x\n")
    yield path
    sys.modules.pop("own_helpers", None)


def test_a_module_beside_the_notebook_goes_along_as_the_notebook_holds_it(own_module: Path) -> None:
    names = cell("from own_helpers import twice\ndef method(question): return twice(question)")
    handed = hand_over(names["method"])
    assert handed.identity
    own_module.write_text("def twice(x):\n    return 3 * x\n")
    sys.modules.pop("own_helpers")
    assert pickle.loads(handed.payload)(5) == 10  # noqa: S301
    again = cell("from own_helpers import twice\ndef method(question): return twice(question)")
    assert hand_over(again["method"]).identity != handed.identity


def test_a_module_from_elsewhere_is_imported_again_and_may_have_changed(
    own_module: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = cell("from own_helpers import twice\ndef method(question): return twice(question)")
    (own_module.parent / "elsewhere").mkdir()
    monkeypatch.chdir(own_module.parent / "elsewhere")
    handed = hand_over(names["method"])
    assert handed.identity == ""
    assert "own_helpers" in handed.unknown


def test_what_cannot_leave_its_process_is_named() -> None:
    with pytest.raises(TouchstoneError, match=r"method uses 'weight', an object of lock, which .*inside the function"):
        identity(USES, weight=threading.Lock())
