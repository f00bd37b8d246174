"""The state of a process that computes, and errors that help."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmark.errors import TouchstoneError, unknown
from benchmark.log import progress_lines
from benchmark.runtime import device_of, make_deterministic
from benchmark.subjects import Check, Run, generator_for


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_cuda_without_a_gpu_is_an_error_that_says_what_to_set() -> None:
    with pytest.raises(
        TouchstoneError, match=r"device: cuda was asked for, but torch sees no CUDA device.*set device: cpu"
    ):
        device_of("cuda")


def test_cpu_is_always_there() -> None:
    assert device_of("cpu") == torch.device("cpu")


def test_one_seed_seeds_every_generator() -> None:
    def draw(seed: int) -> tuple[Any, ...]:
        make_deterministic(seed)
        return torch.rand(3).tolist(), np.random.rand(), random.random()  # noqa: NPY002

    assert draw(3) == draw(3)
    assert all(a != b for a, b in zip(draw(3), draw(4), strict=True))


def test_the_environment_does_not_choose_the_number_of_threads() -> None:
    code = (
        "import sys, numpy, torch; from threadpoolctl import threadpool_info; "
        "from benchmark.runtime import make_deterministic; make_deterministic(0, 1); import scipy.linalg, sklearn; "
        "found = [library['num_threads'] for library in threadpool_info()]; "
        "sys.exit(not found or {*found, torch.get_num_threads()} != {1})"
    )
    variables = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "2")
    assert subprocess.run([sys.executable, "-c", code], env=os.environ | variables, check=False).returncode == 0


def test_determinism_is_on_without_importing_the_compiler() -> None:
    program = (
        "import sys, torch\nfrom benchmark.runtime import make_deterministic\nbefore = set(sys.modules)\n"
        "make_deterministic(0)\nassert torch.are_deterministic_algorithms_enabled()\n"
        "assert torch.is_deterministic_algorithms_warn_only_enabled()\nassert torch.get_num_threads() == 1\n"
        "print([name for name in set(sys.modules) - before if name.startswith('torch')])\n"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert answer.stdout == "[]\n", answer.stderr


@given(st.integers(0, 2**63 - 1), st.text(max_size=10), st.text(max_size=10))
def test_named_generators_depend_on_seed_and_name_alone(seed: int, name: str, other: str) -> None:
    first = torch.rand(4, generator=generator_for(seed, name))
    torch.rand(10)
    assert torch.equal(first, torch.rand(4, generator=Run(seed).generator(name)))
    if other != name:
        assert not torch.equal(first, torch.rand(4, generator=generator_for(seed, other)))


@given(st.floats(), st.floats(allow_nan=False))
def test_a_check_compares_on_its_side_and_nan_never_passes(value: float, threshold: float) -> None:
    assert Check("c", value, threshold).passed == (value >= threshold)
    assert Check("c", value, threshold, at_least=False).passed == (value <= threshold)
    assert not Check("c", float("nan"), threshold).passed


def test_progress_is_printed_at_the_end_and_not_at_every_step(lines: Any) -> None:
    progress = progress_lines("[train x]")
    for step in range(1, 1001):
        progress(step, 1000, loss=1 / step)
    printed = [line for line in lines().splitlines() if "[train x]" in line]
    assert len(printed) < 50
    assert "step 1000 of 1000, loss 0.001, 0 s left" in printed[-1]


WARMING = """
import pathlib, sys
from benchmark import warming
sys.path.insert(0, sys.argv[1])
warming.KNOWN |= {"a_exits", "b_raises", "c_needs", "good_library"}
warming.warm_up([pathlib.Path(sys.argv[1], "method.py")])
print("good_library" in sys.modules, "somebodys" in sys.modules)
"""


def test_known_libraries_are_imported_and_one_that_cannot_be_is_its_plugins_own_affair(tmp_path: Path) -> None:
    contents = {
        "a_exits": "raise SystemExit(3)",
        "b_raises": "raise ValueError('no')",
        "c_needs": "import absent_library",
        "good_library": "",
        "somebodys": "",
    }
    for name, content in contents.items():
        (tmp_path / f"{name}.py").write_text(content)
    (tmp_path / "method.py").write_text("".join(f"import {name}\n" for name in contents))
    program = [sys.executable, "-c", WARMING, str(tmp_path)]
    answer = subprocess.run(program, capture_output=True, text=True, check=False)
    assert answer.stdout == "True False\n", answer.stderr


@given(st.text(max_size=8), st.lists(st.text(min_size=1, max_size=8), max_size=40))
def test_the_message_for_an_unknown_name(name: str, available: list[str]) -> None:
    message = unknown("method", name, available)
    assert message.startswith(f"unknown method {name!r}")
    for other in sorted(set(available))[:30]:
        assert other in message
    if not available:
        assert message.endswith("(available: none)")


def test_the_nearest_names_come_first_and_long_lists_are_cut() -> None:
    names = [f"method_{number}" for number in range(50)]
    message = unknown("method", "metod_7", [*names, "gradient"])
    assert "did you mean 'method_7'" in message
    assert "... (51 in all)" in message
    assert "did you mean" not in unknown("method", "xyz", names)
