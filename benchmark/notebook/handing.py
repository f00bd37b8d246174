"""How what was made in a notebook gets to the process that runs it, and what identifies it.

    handed = hand_over(my_function)
    handed.payload      bytes; unpickled in the method's own confined process and nowhere else
    handed.identity     equal for two things that do the same; empty where that cannot be told

A function of a notebook has no file that another process could import. It travels as `cloudpickle` writes it: its
compiled code, the values that it captures, the globals that it uses, and these likewise. Modules in the notebook's
folder go along as the notebook holds them; all others are imported by name. To unpickle is to run somebody's code, as
it is to import a method's file, and happens where that would: in the child, behind its confinement.

The identity is the hash of the same stream without what only tells where the code stood. So a changed line, default or
captured number is another method. It is given only where the stream holds all that the function does: not where it
takes code from files outside of the installed libraries, nor where it names what reads files, settings or code while it
runs (`open`, `load`, `read_csv`, `environ`): their contents are in no stream.
"""

from __future__ import annotations

import dis
import hashlib
import importlib.util
import inspect
import io
import os
import re
import site
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

import cloudpickle
import torch

from benchmark.errors import TouchstoneError
from benchmark.families.asking import described
from benchmark.sources import LOCAL

READS = re.compile(
    "open|fdopen|urlopen|import_module|environ|getenv|i?glob|(|Posix|Windows)Path|memmap|from(file|_pretrained)"
    "|load(|s|txt|_.*)|genfromtxt|read(|_.*)"
)
"""Names of what reads something that is not handed over."""
RUNS = ("exec", "eval", "compile", "__import__")
"""Functions of Python that run any code; as names of methods (`model.eval()`) they are harmless."""


@dataclass(frozen=True)
class Handed:
    """Something of a notebook, on its way."""

    payload: bytes
    identity: str
    """Empty where `unknown` says why."""
    unknown: str = ""


def hand_over(thing: Any) -> Handed:
    """Write down a function, a class or an object, as it is at this moment.

    Raises:
        TouchstoneError: it holds what cannot leave its process (a lock, a socket, a generator), which is named.
    """
    with _by_value(_own_modules()):
        try:
            whole, bare = _Stream.of(thing, bare=False), _Stream.of(thing, bare=True)
        except Exception as error:  # every kind of object refuses in a way of its own
            raise TouchstoneError(_refusal(thing, error)) from None
        unknown = whole.unknown()
    identity = "" if unknown else hashlib.sha256(bare.file.getvalue()).hexdigest()
    return Handed(whole.file.getvalue(), identity, unknown)


class _Stream(cloudpickle.Pickler):  # type: ignore[misc]
    """A stream that notes which code goes along, and which modules are left to be imported."""

    def __init__(self, file: io.BytesIO, *, bare: bool) -> None:
        super().__init__(file)
        self.file, self.bare = file, bare
        self.codes: list[CodeType] = []
        self.modules: set[str] = set()
        self.names: set[str] = set()
        self.memories: dict[int, int] = {}

    @classmethod
    def of(cls, thing: Any, *, bare: bool) -> _Stream:
        """The stream of a thing; a `bare` one does not say in which file and line its code stood."""
        stream = cls(io.BytesIO(), bare=bare)
        stream.dump(thing)
        return stream

    def reducer_override(self, value: Any) -> Any:
        """Called for everything but plain containers, numbers and texts."""
        if isinstance(value, CodeType):
            self.codes.append(value)
            nowhere = value.replace(co_filename="", co_firstlineno=1, co_linetable=b"") if self.bare else value
            return self.dispatch_table[CodeType](nowhere)
        if self.bare and isinstance(value, torch.Tensor) and value.layout == torch.strided:
            return tuple, (self._content(value),)
        found = super().reducer_override(value)
        if found is NotImplemented and isinstance(value, type | FunctionType | BuiltinFunctionType | ModuleType):
            name = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
            self.modules.add(str(name or "builtins"))
            self.names.add(value.__name__)
        return found

    def _content(self, tensor: torch.Tensor) -> tuple[Any, ...]:
        """A tensor without its address, which is in its pickle; which others lie in the same memory, is said."""
        memory = self.memories.setdefault(tensor.untyped_storage()._cdata, len(self.memories))
        form = (type(tensor), str(tensor.dtype), str(tensor.device), tuple(tensor.shape), tensor.stride())
        place = (memory, tensor.storage_offset(), tensor.requires_grad, vars(tensor))
        numbers = tensor.detach().resolve_conj().resolve_neg().cpu().contiguous().reshape(-1)
        return (*form, *place, numbers.view(torch.uint8).numpy().tobytes())

    def unknown(self) -> str:
        """Why the stream does not hold all that runs; empty where it does."""
        steps = [step for code in self.codes for step in dis.get_instructions(code)]
        imported = {step.argval for step in steps if step.opname == "IMPORT_NAME"}
        named = {*self.names, *imported, *(name for code in self.codes for name in code.co_names)}
        reads = {name for name in named if READS.fullmatch(name)}
        reads |= {step.argval for step in steps if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")} & {*RUNS}
        if reads:
            return f"it names `{min(reads)}`, and what that reads is not known"
        own = cloudpickle.list_registry_pickle_by_value()
        for name in sorted({*self.modules, *imported}):
            if not _installed(name.partition(".")[0]) and not (name in self.modules and name in own):
                return f"it uses the module {name}, whose file may change"
        return ""


def _refusal(thing: Any, error: Exception) -> str:
    """Which of the things that a function captures, or an object holds, cannot go along."""
    captured: Mapping[str, Any] = getattr(thing, "__dict__", {})
    if inspect.isfunction(thing):
        variables = inspect.getclosurevars(thing)
        captured = {**variables.globals, **variables.nonlocals}
    for name, value in captured.items():
        try:
            _Stream.of(value, bare=False)
        except Exception:
            return (
                f"{_called(thing)} uses {name!r}, {described(value)}, which cannot be handed to another process "
                f"({error}); make it inside the function"
            )
    return f"{_called(thing)} cannot be handed to another process: {type(error).__name__}: {error}"


def _called(thing: Any) -> str:
    return str(getattr(thing, "__name__", "") or described(thing))


@contextmanager
def _by_value(modules: list[ModuleType]) -> Iterator[None]:
    """Have functions and classes of these modules go along as those of the notebook itself."""
    known = cloudpickle.list_registry_pickle_by_value()
    new = [module for module in modules if module.__name__ not in known]
    for module in new:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in new:
            cloudpickle.unregister_pickle_by_value(module)


def _own_modules() -> list[ModuleType]:
    """The modules that were imported from the notebook's folder: the other process could not find them there."""
    folder = f"{Path.cwd().resolve()}{os.sep}"
    installed = cache(_installed)  # of some hundred packages with thousands of modules, often in the same folder
    found = []
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        beside = isinstance(file, str) and file.startswith(folder) and not installed(name.partition(".")[0])
        if beside and isinstance(module, ModuleType) and module.__name__ == name != "__main__":
            found.append(module)
    return found


@cache
def _places() -> tuple[Path, ...]:
    """Where installed libraries lie."""
    libraries = map(sysconfig.get_paths().get, ("purelib", "platlib"))
    names = [*site.getsitepackages(), site.getusersitepackages(), *libraries]
    return tuple(Path(name).resolve() for name in names if name)


def _installed(name: str) -> bool:
    """Whether a top-level module belongs to Python, to an installed library, or to this project: all of these count in
    the key of a result."""
    if name in sys.stdlib_module_names or name in LOCAL:
        return True
    places = [Path(str(place)).resolve() for place in _lies(name) if place]
    return bool(places) and all(any(folder in place.parents for folder in _places()) for place in places)


def _lies(name: str) -> list[str | None]:
    """The file of a top-level module, or its folders where it has none."""
    if name in sys.modules:
        module = sys.modules[name]
        return [module.__file__] if getattr(module, "__file__", None) else [*getattr(module, "__path__", [])]
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return []
    if found is None:
        return []
    return [found.origin] if found.has_location else [*(found.submodule_search_locations or ())]
