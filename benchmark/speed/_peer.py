"""What dictionaries are compared with: packages of others, installed for the comparison alone.

with installed(PEER.packages) as folder:         a throw-away folder; torch stays the one that is installed
    learn = PEER.load(folder)
    learned = learn("topk", rows, shape)         atoms, and how rows are coded and rebuilt
"""

from __future__ import annotations

import contextlib
import importlib
import subprocess
import sys
import tempfile
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Shape:
    """What is trained, and how."""

    dimensions: int
    size: int
    sparsity: int
    steps: int
    batch: int = 256
    learning_rate: float | None = None
    """None: the peer's own."""
    penalty: float | None = None
    """Of penalised rules; None: the peer's own."""
    seed: int = 0

    @property
    def early(self) -> int:
        """The steps within which the peers' learning rates and penalties rise: a twentieth, as ours do."""
        return max(1, self.steps // 20)

    @property
    def late(self) -> int:
        """The step from which the peers' learning rates fall: for the last third, as ours do."""
        return self.steps - self.steps // 3


@dataclass(frozen=True)
class Learned:
    """A trained dictionary."""

    atoms: Float[Tensor, "m d"]
    encode: Callable[[Float[Tensor, "n d"]], Float[Tensor, "n m"]]
    decode: Callable[[Float[Tensor, "n m"]], Float[Tensor, "n d"]]


Learn = Callable[[str, Float[Tensor, "n d"], Shape], Learned]
"""Train a dictionary by a method of ours that the peer has as well."""


@dataclass(frozen=True)
class Peer:
    """A package with trainers of its own."""

    name: str
    packages: tuple[str, ...]
    """What is installed: itself, and what its trainers import; none of the rest that it asks for."""
    shared: tuple[str, ...]
    """Methods of ours whose rule the package trains as well."""
    penalties: Mapping[str, tuple[float, float]]
    """Of these, the ones whose number of codes follows from a penalty, and between which bounds it is looked for."""
    load: Callable[[Path], Learn]


def batches(rows: Float[Tensor, "n d"], shape: Shape) -> Iterator[Float[Tensor, "B d"]]:
    """One batch of random rows for each step."""
    generator = torch.Generator().manual_seed(shape.seed)
    for _ in range(shape.steps):
        yield rows[torch.randint(len(rows), (shape.batch,), generator=generator)]


@contextlib.contextmanager
def installed(packages: Sequence[str]) -> Iterator[Path]:
    """Install packages into a folder of their own, without what they depend on, and remove it afterwards."""
    with tempfile.TemporaryDirectory(prefix="touchstone-peer-") as folder:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder, *packages]
        subprocess.run(command, check=True)
        yield Path(folder)


def imported(folder: Path, module: str, absent: Sequence[str] = ()) -> types.ModuleType:
    """Import a module from a folder. Stand-ins take the places of `absent` packages, which trainers do not need."""
    stand_ins = _StandIns(absent)
    sys.path.insert(0, str(folder))
    sys.meta_path.append(stand_ins)
    try:
        return importlib.import_module(module)
    finally:
        sys.meta_path.remove(stand_ins)
        sys.path.remove(str(folder))
        for name in stand_ins.made:
            del sys.modules[name]  # nobody else is to take them for the packages


class _StandIn(torch.nn.Identity):
    """Whatever a package that is absent defines: something that changes nothing."""

    def setup(self) -> None:
        """What classes of models with hooks call when they are complete."""


class _StandIns(MetaPathFinder, Loader):
    """Finds a module under any name in the packages that are absent, and makes up what it is asked for."""

    def __init__(self, packages: Sequence[str]) -> None:
        self.packages = packages
        self.made: list[str] = []

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:  # noqa: ARG002
        """A module, unless it belongs to another package."""
        known = fullname.partition(".")[0] in self.packages
        return ModuleSpec(fullname, self, is_package=True) if known else None

    def exec_module(self, module: types.ModuleType) -> None:
        """Let every name in it be a class of its own."""
        self.made.append(module.__name__)

        def made_up(name: str) -> type:
            if name.startswith("__"):
                raise AttributeError(name)
            return type(name, (_StandIn,), {})

        module.__getattr__ = made_up  # type: ignore[method-assign]
