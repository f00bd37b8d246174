"""How a posed question gets into the process of a method: as a copy that holds what it must and nothing beside it.

    body, buffers = pack(question, serve)         where the question was posed; `serve(function)` gives it a number
    question = unpack(body, buffers, remote)      where the method runs; `remote(number)` stands for the function

Arrays, tensors and models are copied, bit by bit, with what they share. Of a tensor's memory only the elements
are copied that the question shows: a slice `x[:, :3]` of an array whose other columns are the answer leaves those
behind, which an ordinary pickle of a tensor would not.

*Functions are not copied.* A closure holds what it computes with (the planted function of a black box, the test inputs
behind `run_from`), so the copy holds a `Remote` in its place: a call travels back to where the question was posed, as
JSON and raw arrays. Copied as what they are: modules of a network, classes, and whatever an import finds under its
name.
"""

from __future__ import annotations

import io
import pickle  # noqa: TID251 - no artifact: memory, from the engine to a child of its own, never the other way
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import BuiltinFunctionType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.errors import TouchstoneError
from benchmark.plugins import Definition
from benchmark.posing.wire import LINE, Buffer, aligned
from benchmark.subjects import Saved

Serve = Callable[[Callable[..., Any]], int]


class Remote:
    """Stands for a function of the process that posed the question; arguments and results are copied.

    Raises, when called, what the function raises: the same TouchstoneError, or one that tells what it was.
    """

    __slots__ = ("_call", "_number")

    def __init__(self, call: Callable[[int, tuple[Any, ...], dict[str, Any]], Any], number: int) -> None:
        self._call, self._number = call, number

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call the function where it is."""
        return self._call(self._number, arguments, named)

    def __deepcopy__(self, _memo: object) -> Remote:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        raise TouchstoneError("got a served function to pickle, but it answers in the process that received it alone")

    def __repr__(self) -> str:
        return f"<served function {self._number}>"


def pack(question: Any, serve: Serve) -> tuple[Any, list[Buffer]]:
    """A posed question as JSON and buffers, for `wire.send`; arrays are not copied where all of them is shown.

    Raises:
        TouchstoneError: it holds what cannot be handed over; the field and its type are named.
    """
    try:
        return _packed(question, serve)
    except Exception as error:
        path, culprit, reason = _culprit(question, error, set())
        raise TouchstoneError(
            f"a posed question cannot be handed over: {type(question).__name__}{path} is {_described(culprit)} "
            f"({reason})"
        ) from error


def unpack(body: Any, buffers: Sequence[Buffer], remote: Callable[[int], Any]) -> Any:
    """The posed question that was packed. Only for what a process of the engine sent: it is unpickled."""
    (text, *plain), stored = buffers[: body["plain"]], buffers[body["plain"] :]
    storages = [(torch.from_numpy(data), low) for data, low in zip(stored, body["lows"], strict=True)]
    return _Unpickler(text, plain, storages, remote).load()


def _packed(question: Any, serve: Serve) -> tuple[Any, list[Buffer]]:
    file = io.BytesIO()
    pickler = _Pickler(file, serve)
    pickler.dump(question)
    plain = [np.frombuffer(file.getbuffer(), np.uint8), *pickler.plain]
    shown = [storage.shown() for storage in pickler.storages.values()]
    body = {"plain": len(plain), "lows": [low for _, low in shown]}
    return body, [*plain, *(data for data, _ in shown)]


@dataclass(frozen=True)
class _View:
    """Where the elements of one tensor lie in its storage, in elements."""

    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    size: int
    """Bytes of an element."""

    @property
    def span(self) -> tuple[int, int]:
        """The first byte and the one after the last."""
        last = self.offset + sum((n - 1) * step for n, step in zip(self.shape, self.stride, strict=True))
        return self.offset * self.size, (last + 1) * self.size

    @property
    def dense(self) -> bool:
        """Whether every element of the span belongs to it."""
        filled = 1
        for step, n in sorted(zip(self.stride, self.shape, strict=True)):
            if n > 1 and step != filled:
                return False
            filled *= n
        return True


@dataclass(frozen=True)
class _Storage:
    """The memory behind tensors of a posed question, and which of it they show."""

    number: int
    memory: torch.UntypedStorage
    views: list[_View] = field(default_factory=list)

    def shown(self) -> tuple[Buffer, int]:
        """The bytes from the first to the last that is shown, zero where none is, and the place of the first."""
        views = [view for view in self.views if 0 not in view.shape]
        if not views:
            return np.empty(0, np.uint8), 0
        low, high = min(view.span[0] for view in views), max(view.span[1] for view in views)
        low -= low % max(view.size for view in views)
        whole = torch.empty(0, dtype=torch.uint8).set_(self.memory).numpy()
        if any(view.dense and view.span == (low, high) for view in views):
            return whole[low:high], low
        room = aligned(high - low, (whole.ctypes.data + low) % LINE)
        room[:] = 0
        for view in views:
            _elements(room, view, low)[...] = _elements(whole, view, 0)
        return room, low


def _elements(data: Buffer, view: _View, low: int) -> np.ndarray[Any, Any]:
    """The elements of a view in `data`, which begins at byte `low` of the storage."""
    start, stop = (place - low for place in view.span)
    strides = [step * view.size for step in view.stride]
    return np.lib.stride_tricks.as_strided(data[start:stop].view(f"V{view.size}"), view.shape, strides)


class _Pickler(pickle.Pickler):
    """Memory of tensors and of arrays goes beside the pickle, functions stay behind."""

    def __init__(self, file: io.BytesIO, serve: Serve) -> None:
        super().__init__(file, protocol=5, buffer_callback=self._beside)
        self.serve = serve
        self.plain: list[Buffer] = []
        self.storages: dict[int, _Storage] = {}

    def _beside(self, buffer: pickle.PickleBuffer) -> None:
        self.plain.append(np.frombuffer(buffer.raw(), np.uint8))

    def persistent_id(self, value: Any) -> tuple[str, int] | None:
        if type(value) is _Storage:
            return "storage", value.number
        return ("function", self.serve(value)) if is_served(value) else None

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            return _tensor, self._reference(value)
        if isinstance(value, torch.UntypedStorage | torch.TypedStorage):
            raise TouchstoneError("expected a tensor: memory is not handed over without saying what of it is shown")
        if isinstance(value, type):
            definition = vars(value).get("__touchstone__")
            if value is Saved or (isinstance(definition, Definition) and definition.kind in ("task", "subject")):
                raise TouchstoneError(f"the truth can be made from a {value.__name__}")
        return NotImplemented

    def _reference(self, tensor: Tensor) -> tuple[Any, ...]:
        if type(tensor) not in (Tensor, nn.Parameter) or tensor.layout != torch.strided or tensor.device.type != "cpu":
            raise TouchstoneError(
                f"got {type(tensor).__name__}, {tensor.layout}, on {tensor.device}; "
                "expected a dense torch.Tensor or Parameter on the CPU"
            )
        bare = tensor.detach().resolve_conj().resolve_neg()
        memory = bare.untyped_storage()
        storage = self.storages.setdefault(memory._cdata, _Storage(len(self.storages), memory))
        view = _View(int(bare.storage_offset()), tuple(bare.shape), bare.stride(), bare.element_size())
        storage.views.append(view)
        return (
            storage,
            bare.dtype,
            view.offset,
            view.shape,
            view.stride,
            tensor.requires_grad and tensor.is_leaf,  # what was computed comes without the graph behind it
            type(tensor) is nn.Parameter,
        )


class _Unpickler(pickle.Unpickler):
    def __init__(
        self,
        text: Buffer,
        plain: Sequence[Buffer],
        storages: Sequence[tuple[Tensor, int]],
        remote: Callable[[int], Any],
    ) -> None:
        super().__init__(io.BytesIO(text.data), buffers=plain)
        self.storages, self.remote = storages, remote
        self.remotes: dict[int, Any] = {}

    def persistent_load(self, reference: tuple[str, int]) -> Any:
        kind, number = reference
        if kind == "storage":
            return self.storages[number]
        return self.remotes.setdefault(number, self.remote(number))


def _tensor(
    storage: tuple[Tensor, int],
    dtype: torch.dtype,
    offset: int,
    shape: tuple[int, ...],
    stride: tuple[int, ...],
    requires_grad: bool,
    parameter: bool,
) -> Tensor:
    """A tensor on memory that arrived; `offset` counts from the beginning of the storage as it was."""
    data, low = storage
    tensor = torch.empty(0, dtype=dtype)
    if 0 in shape:
        tensor = tensor.new_empty(shape)
    else:
        tensor.set_(data.untyped_storage(), (offset * dtype.itemsize - low) // dtype.itemsize, shape, stride)
    return nn.Parameter(tensor, requires_grad) if parameter else tensor.requires_grad_(requires_grad)


def is_served(value: Any) -> bool:
    """Whether a value is a function that stays where the question was posed."""
    if not callable(value) or isinstance(value, type | nn.Module | np.ufunc):
        return False
    holds = getattr(value, "__self__", None)
    if isinstance(holds, type | ModuleType) or (holds is None and isinstance(value, BuiltinFunctionType)):
        return False
    found: Any = sys.modules.get(str(getattr(value, "__module__", None)))
    for name in str(getattr(value, "__qualname__", None) or getattr(value, "__name__", None)).split("."):
        found = getattr(found, name, None)
    return found is not value


def _culprit(value: Any, error: Exception, seen: set[int]) -> tuple[str, Any, str]:
    """The innermost part of a value that cannot be packed: its path, itself, and why."""
    seen.add(id(value))
    for path, part in _parts(value):
        if id(part) not in seen:
            try:
                _packed(part, lambda _function: 0)
            except Exception as inner:
                deeper, culprit, reason = _culprit(part, inner, seen)
                return path + deeper, culprit, reason
    return "", value, str(error) if isinstance(error, TouchstoneError) else f"{type(error).__name__}: {error}"


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from ((f"[{key!r}]", part) for key, part in value.items())
    elif isinstance(value, list | tuple):
        yield from ((f"[{index}]", part) for index, part in enumerate(value))
    elif not isinstance(value, type | Tensor) and hasattr(value, "__dict__"):
        yield from ((f".{name}", part) for name, part in vars(value).items())


def _described(value: Any) -> str:
    return f"the class {value.__qualname__}" if isinstance(value, type) else f"a {type(value).__qualname__}"
