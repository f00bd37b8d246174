"""The state of a process that computes: device, threads, determinism."""

from __future__ import annotations

import dataclasses
import os
import random
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from benchmark.errors import TouchstoneError


def device_of(name: str) -> torch.device:
    """The torch device for a resolved name; "cuda" without a usable GPU is an error, not a silent fall-back."""
    if name == "cuda" and not torch.cuda.is_available():
        raise TouchstoneError(
            "device: cuda was asked for, but torch sees no CUDA device "
            f"(torch {torch.__version__}, CUDA {torch.version.cuda or 'none'}); set device: cpu in the profile"
        )
    return torch.device(name)


def make_deterministic(seed: int, threads: int = 1) -> None:
    """Seed every global generator and fix the thread count, so that a result depends on its inputs alone.

    The thread count of numpy's and scikit-learn's libraries is fixed too: sums in another order are enough to send
    FastICA to other components.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(threads)))
    threadpool_limits(threads)  # libraries that are loaded by now; the variables are for those loaded later
    torch.set_num_threads(threads)
    torch.set_deterministic_debug_mode("warn")  # use_deterministic_algorithms would import the compiler: 1.5 s a child
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - libraries that plugins call draw from the global generator
    random.seed(seed)


def on_device(value: Any, device: str) -> Any:
    """A posed question with its tensors and models on a device: fields of dataclasses, lists, tuples, dictionaries."""
    if device == "cpu":
        return value
    if isinstance(value, torch.Tensor | torch.nn.Module):
        return value.to(device_of(device))
    if isinstance(value, dict):
        return {name: on_device(part, device) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(on_device(part, device) for part in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: on_device(getattr(value, f.name), device) for f in dataclasses.fields(value) if f.init}
        return dataclasses.replace(value, **fields)
    return value
