"""Frames between the processes of one run: JSON and raw bytes, nothing that could run code in whoever reads it.

    send(connection, body, buffers)                  receive(connection, limit=...) -> body, buffers
    body, buffers = encode({"x": array, "n": 3})     decode(body, buffers) -> the same value

A frame is the length of a header, the header (JSON: the body, and the sizes of the buffers), and the buffers. What may
travel as a value is what JSON holds, tuples, numpy arrays and CPU tensors. The reader of a hostile writer sets a limit
and believes nothing: sizes, shapes and types are checked before anything is built from them.

Every buffer arrives at the place, modulo a cache line, that it had in the sender's memory, because numerical libraries
add in another order where the first numbers lie elsewhere.
"""

from __future__ import annotations

import json
import math
import re
import socket
import struct
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from numpy import ndarray
from torch import Tensor

from benchmark.errors import TouchstoneError

LINE = 64
"""Bytes of a cache line."""
MOST_BUFFERS = 1 << 16
MOST_HEADER = 1 << 24
"""Bytes of a header from a writer who is not trusted: parsed JSON takes many times the memory of its text."""
TEXT = 10_000
"""Characters of an error's message that travel."""

_LENGTH = struct.Struct(">Q")
_NUMPY = re.compile(r"[<>|=][biufcSU][0-9]{1,6}")
_TORCH = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16, torch.bfloat16,
        torch.float32, torch.float64, torch.complex64, torch.complex128,
    )
}  # fmt: skip
Buffer = UInt8[ndarray, " bytes"]


class Malformed(TouchstoneError):
    """What came is no frame, or no value."""


def send(connection: socket.socket, body: Any, buffers: Sequence[Buffer] = (), *, deadline: float = math.inf) -> None:
    """Send one frame; `body` is JSON. Raises OSError, or TimeoutError after `deadline` (of `time.monotonic`)."""
    header = {
        "body": body,
        "sizes": [buffer.nbytes for buffer in buffers],
        "places": [buffer.ctypes.data % LINE if buffer.nbytes else 0 for buffer in buffers],
    }
    text = json.dumps(header).encode()
    parts: list[bytes | memoryview] = [_LENGTH.pack(len(text)) + text, *(buffer.data for buffer in buffers)]
    for part in parts:
        connection.settimeout(_left(deadline))
        connection.sendall(part)


def receive(
    connection: socket.socket, *, limit: float = math.inf, deadline: float = math.inf
) -> tuple[Any, list[Buffer]]:
    """Read one frame: the body, and buffers that nobody else holds.

    Raises:
        EOFError: the other side has closed.
        TimeoutError: the deadline has passed.
        Malformed: what came is no frame, or one of more than `limit` bytes; no further frame can be read then.
    """
    (length,) = _LENGTH.unpack(_exactly(connection, np.empty(_LENGTH.size, np.uint8), deadline).tobytes())
    if length > min(limit, MOST_HEADER if limit < math.inf else math.inf):
        raise Malformed(f"got a header of {length} bytes, expected at most {min(limit, MOST_HEADER):g}")
    text = _exactly(connection, np.empty(length, np.uint8), deadline).tobytes()
    try:
        header = json.loads(text)
        body, sizes, places = header["body"], header["sizes"], header["places"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise Malformed(f"got a header that cannot be read ({type(error).__name__})") from None
    if not _naturals(sizes) or not _naturals(places) or len(sizes) != len(places) or max(places, default=0) >= LINE:
        raise Malformed("got sizes or places of buffers that are none")
    if limit < math.inf and (len(sizes) > MOST_BUFFERS or sum(sizes) > limit):
        raise Malformed(f"got {len(sizes)} buffers of {sum(sizes)} bytes, expected at most {limit:g} bytes")
    return body, [
        _exactly(connection, aligned(size, place), deadline) for size, place in zip(sizes, places, strict=True)
    ]


def aligned(size: int, place: int) -> Buffer:
    """Room for `size` bytes that begins `place` bytes after a multiple of a cache line."""
    room = np.empty(size + LINE, np.uint8)
    start = (place - room.ctypes.data) % LINE
    return room[start : start + size]


def _exactly(connection: socket.socket, into: Buffer, deadline: float) -> Buffer:
    view = into.data
    while view:
        connection.settimeout(_left(deadline))
        count = connection.recv_into(view)
        if count == 0:
            raise EOFError("the other side has closed")
        view = view[count:]
    return into


def _left(deadline: float) -> float | None:
    return None if deadline == math.inf else max(1e-3, deadline - time.monotonic())


def _naturals(value: Any) -> bool:
    return isinstance(value, list) and all(type(item) is int and item >= 0 for item in value)


def encode(value: Any) -> tuple[Any, list[Buffer]]:
    """A value as JSON and buffers. Arrays are not copied where they are contiguous.

    Raises:
        TouchstoneError: the value holds something of another type, which is named.
    """
    buffers: list[Buffer] = []
    return _encoded(value, buffers), buffers


def _encoded(value: Any, buffers: list[Buffer]) -> Any:
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, Tensor):
        return _encoded_tensor(value, buffers)
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        if array.dtype.kind not in "biufcSU":
            raise TouchstoneError(f"got an array of {array.dtype}, expected numbers, truth values or text")
        content = {"number": len(buffers), "type": array.dtype.str, "shape": list(array.shape)}
        buffers.append(np.ascontiguousarray(array).reshape(-1).view(np.uint8))
        return {"scalar" if isinstance(value, np.generic) else "array": content}
    if type(value) is list:
        return [_encoded(item, buffers) for item in value]
    if type(value) is tuple:
        return {"tuple": [_encoded(item, buffers) for item in value]}
    if isinstance(value, dict) and all(type(key) is str for key in value):
        return {"dict": {key: _encoded(item, buffers) for key, item in value.items()}}
    raise TouchstoneError(
        f"got {f'a {type(value).__name__} with other keys than text' if isinstance(value, dict) else type(value)}, "
        "expected arrays, tensors, numbers, text, and lists, tuples and dictionaries of them"
    )


def _encoded_tensor(tensor: Tensor, buffers: list[Buffer]) -> Any:
    name = str(tensor.dtype).removeprefix("torch.")
    if tensor.layout != torch.strided or tensor.device.type != "cpu" or name not in _TORCH:
        raise TouchstoneError(
            f"got a tensor of {name}, {tensor.layout}, on {tensor.device}, "
            f"expected a dense one on the CPU of {', '.join(_TORCH)}"
        )
    if tensor.requires_grad and torch.is_grad_enabled():
        raise TouchstoneError(
            "got a tensor that requires a gradient, but gradients do not pass from one process to another; "
            "expected tensor.detach(), or a call under torch.no_grad()"
        )
    content = {"number": len(buffers), "type": name, "shape": list(tensor.shape)}
    flat = tensor.detach().resolve_conj().resolve_neg().contiguous().reshape(-1)
    buffers.append(flat.view(torch.uint8).numpy())
    return {"tensor": content}


def decode(body: Any, buffers: Sequence[Buffer]) -> Any:
    """The value that `encode` was given; arrays and tensors may be written to. Raises Malformed."""
    if body is None or isinstance(body, bool | int | float | str):
        return body
    if isinstance(body, list):
        return [decode(item, buffers) for item in body]
    if isinstance(body, dict) and len(body) == 1:
        ((kind, content),) = body.items()
        if kind == "tuple" and isinstance(content, list):
            return tuple(decode(item, buffers) for item in content)
        if kind == "dict" and isinstance(content, dict):
            return {key: decode(item, buffers) for key, item in content.items()}
        if kind in ("array", "scalar", "tensor") and isinstance(content, dict):
            return _array(kind, content, buffers)
    raise Malformed("got something that is no value, expected what `encode` makes")


def _array(kind: str, content: dict[str, Any], buffers: Sequence[Buffer]) -> Any:
    number, name, shape = content.get("number"), content.get("type"), content.get("shape")
    if type(number) is not int or not 0 <= number < len(buffers) or not _naturals(shape) or len(shape or []) > 32:
        raise Malformed("got an array without buffer or shape")
    assert shape is not None
    known: Any = _torch_type(name) if kind == "tensor" else _numpy_type(name)
    data = buffers[number]
    if known is None or math.prod(shape) * known.itemsize != data.nbytes or (kind == "scalar" and shape):
        raise Malformed(f"got {data.nbytes} bytes for an array of {str(name)[:20]!r} and shape {shape}")
    if name in ("bool", "|b1"):
        np.not_equal(data, 0, out=data.view(np.bool_))  # any other byte than 0 and 1 is undefined behaviour
    if kind == "tensor":
        return torch.from_numpy(data).view(known).reshape(shape) if data.nbytes else torch.empty(shape, dtype=known)
    array = data.view(known).reshape(shape)
    return array[()] if kind == "scalar" else array


def _torch_type(name: Any) -> torch.dtype | None:
    return _TORCH.get(name) if isinstance(name, str) else None


def _numpy_type(name: Any) -> np.dtype[Any] | None:
    if isinstance(name, str) and _NUMPY.fullmatch(name):
        with suppress(TypeError, ValueError):
            found = np.dtype(name)
            return found if found.itemsize else None
    return None


def told(error: BaseException) -> dict[str, Any]:
    """An exception as JSON: its message, and what is needed to raise it again as what it was."""
    try:
        text = str(error)
    except Exception:  # an exception whose text cannot be had is still one
        text = "(without a text)"
    if not isinstance(error, TouchstoneError):
        text = f"{type(error).__name__}: {text}".rstrip(": ")
    return {"module": type(error).__module__, "class": type(error).__qualname__, "text": _printable(text[:TEXT])}


def _printable(text: str) -> str:
    """The text with lone surrogates written out, which no file or terminal takes."""
    return text.encode("utf-8", "backslashreplace").decode()


def retold(body: dict[str, Any]) -> TouchstoneError:
    """The error that was told: of its own class if that is a TouchstoneError known here, else a plain one.

    No module is imported for it.
    """
    found: Any = sys.modules.get(str(body["module"]))
    for name in str(body["class"]).split("."):
        found = getattr(found, name, None)
    text = str(body["text"])
    if not (isinstance(found, type) and issubclass(found, TouchstoneError)):
        return TouchstoneError(text)
    error = found.__new__(found)  # its own way to be made may ask for what did not travel
    error.args = (text,)
    return error
