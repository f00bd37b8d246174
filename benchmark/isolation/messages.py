"""What a job sends its parent as it goes: JSON and tensors in frames; nothing that could run code in the parent."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import safetensors.torch
import torch
from torch import Tensor

HEADER_BYTES = 2**24
"""The longest header: parsed JSON takes many times the memory of its text."""
MESSAGE_COST = 1024
"""What a message counts beyond its bytes, so that endless empty ones meet the limit of memory as well."""

Status = Literal["ok", "failed", "timeout"]


@dataclass(frozen=True)
class Message:
    """What a job sent: a JSON object, and tensors on the CPU by name."""

    header: dict[str, Any]
    tensors: dict[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Ending:
    """How a child ended."""

    status: Status
    reason: str = ""
    seconds: float = 0.0
    peak_memory_mb: float = 0.0
    """The most resident memory that it and all it started held beyond what it had when it was forked."""
    trace: str = ""
    during: str = ""
    """What had begun last (`Send.began`)."""


class Send:
    """A job's only way to its parent: `send(header, tensors)`; `send.began(label)` resets the clock of its limit.

    Raises TypeError for a header that is no JSON, OSError when the job closed the way itself.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __call__(self, header: Mapping[str, Any], tensors: Mapping[str, Tensor] | None = None) -> None:
        """Send a JSON object and tensors by name; they arrive as plain tensors on the CPU."""
        self._write(b"m", dict(header), tensors or {})

    def began(self, label: str) -> None:
        """Say what begins now; the limit on time counts from here."""
        self._write(b"b", {"label": label}, {})

    def _write(self, kind: bytes, header: dict[str, Any], tensors: Mapping[str, Tensor]) -> None:
        text = json.dumps(header).encode()
        data = safetensors.torch.save(_plain(tensors)) if tensors else b""
        for part in (FRAME.pack(kind, len(text), len(data)), text, data):
            view = memoryview(part)
            while view:
                view = view[os.write(self._descriptor, view) :]


Job = Callable[[Send], None]
FRAME = struct.Struct("<cQQ")
"""Kind, bytes of JSON, bytes of safetensors. Kinds: a message (m), something began (b), the end (e)."""


def _plain(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The bytes of tensors, whatever their class says; each with storage of its own, as safetensors wants it."""
    plain: dict[str, Tensor] = {}
    taken = set()
    with torch._C.DisableTorchFunctionSubclass():
        for name, tensor in tensors.items():
            bare = tensor.detach().as_subclass(Tensor).cpu().contiguous()
            place = bare.untyped_storage().data_ptr()
            shared = place in taken or bare.untyped_storage().nbytes() != bare.numel() * bare.element_size()
            taken.add(place)
            plain[name] = bare.clone() if shared else bare
    return plain


class Malformed(Exception):
    """A child sent what is no message."""


class Inbox:
    """What has come from a child, cut into messages; holds no more than `limit` bytes."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self._spent = 0
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[bytes, Message]]:
        """Add bytes and take out the messages that are whole now; raises Malformed."""
        self._buffer += data
        while len(self._buffer) >= FRAME.size:
            kind, text, tensors = FRAME.unpack_from(self._buffer)
            if kind not in (b"m", b"b", b"e") or text > HEADER_BYTES:
                raise Malformed(f"expected a message, got {bytes(self._buffer[:40])!r}")
            if self._spent + MESSAGE_COST + text + tensors > self.limit:
                raise Malformed(f"sent more than the limit of {self.limit / 2**20:g} MB")
            end = FRAME.size + text + tensors
            if len(self._buffer) < end:
                return
            self._spent += MESSAGE_COST + text + tensors
            with memoryview(self._buffer) as whole:
                middle = FRAME.size + text
                parts = bytes(whole[FRAME.size : middle]), bytes(whole[middle:end])
            del self._buffer[:end]
            yield kind, _parsed(*parts)


def _parsed(text: bytes, data: bytes) -> Message:
    try:
        header = json.loads(text.decode())
        if b"\\ud" in text.lower():
            header = _escaped(header)
        if not isinstance(header, dict):
            raise ValueError(f"expected a JSON object, got {type(header).__name__}")
        if data and int.from_bytes(data[:8], "little") > HEADER_BYTES:
            raise ValueError("the tensors' header is too long")
        return Message(header, safetensors.torch.load(data) if data else {})
    except Exception as error:  # what a hostile child sends may fail in any way, but fails that child alone
        raise Malformed(f"expected a message, got one that cannot be read ({type(error).__name__}: {error})") from None


def _escaped(value: Any) -> Any:
    """The same JSON with lone surrogates written out, which no file or terminal takes."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    if isinstance(value, dict):
        return {_escaped(key): _escaped(item) for key, item in value.items()}
    return value
