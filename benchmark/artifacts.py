"""Files on disk: written atomically, with a record of what was written by which a reader notices damage.

write_tensors(path, {"atoms": ...}) -> FileRecord       a temporary name, then a rename: a file is whole or absent
FileRecord.compare(path)                                an error unless the file is as it was written
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from benchmark.errors import DamagedArtifactError, TouchstoneError

if TYPE_CHECKING:
    from torch import Tensor


class FileRecord(BaseModel):
    """A file as it was written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sha256: str
    bytes: int
    mtime_ns: int

    def compare(self, path: Path, *, by_checksum: bool = False) -> None:
        """Raise `DamagedArtifactError` unless the file has the recorded size and time, or the recorded checksum.

        A file of equal size and time is trusted unless `by_checksum`; one of another time may still hold the same.
        """
        try:
            status = path.stat()
        except OSError:
            raise DamagedArtifactError(f"{path} is missing") from None
        if status.st_size != self.bytes:
            raise DamagedArtifactError(f"{path} is damaged: {status.st_size} bytes instead of {self.bytes}")
        if (by_checksum or status.st_mtime_ns != self.mtime_ns) and sha256(path) != self.sha256:
            raise DamagedArtifactError(f"{path} is damaged: its checksum is not the one recorded when it was written")


def sha256(path: Path) -> str:
    """The SHA-256 of a file's contents, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_atomically(path: Path, write: Callable[[Path], None]) -> FileRecord:
    """Let `write` fill a temporary file beside `path`, rename it, and return its record. A full disk is explained."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        temporary.replace(path)
    except Exception as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        if _disk_is_full(error):
            raise TouchstoneError(
                f"no space left on the device while writing {path}; free some and run the same command again: "
                "what is complete is kept and not computed again"
            ) from None
        if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise TouchstoneError(
                f"{path} cannot be written ({error.strerror}): give this user the right to write to {path.parent}"
            ) from None
        raise
    return record(path)


def _disk_is_full(error: Exception) -> bool:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return True
    wordings = ("No space left", "StorageFull", "File too large", "quota exceeded")  # safetensors gives no number
    return any(wording in str(error) for wording in wordings)


def record(path: Path) -> FileRecord:
    """Checksum, size and time of change of a file."""
    status = path.stat()
    return FileRecord(sha256=sha256(path), bytes=status.st_size, mtime_ns=status.st_mtime_ns)


def write_bytes(path: Path, content: bytes) -> FileRecord:
    """Write bytes atomically."""
    return write_atomically(path, lambda temporary: _write_all(temporary, content))


def _write_all(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> FileRecord:
    """Write tensors as safetensors, atomically."""
    from safetensors.torch import save_file

    ready = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    return write_atomically(path, lambda temporary: save_file(ready, temporary))


class TensorFile(Mapping[str, "Tensor"]):
    """The tensors of a safetensors file, memory-mapped and read when asked for."""

    def __init__(self, path: Path, device: str = "cpu") -> None:
        from safetensors import SafetensorError, safe_open

        try:
            self._file = safe_open(path, framework="pt", device=device)
        except (SafetensorError, OSError) as error:
            raise DamagedArtifactError(f"{path} is damaged: {error}") from None
        self._names = tuple(self._file.keys())

    def __getitem__(self, name: str) -> Tensor:
        if name not in self._names:
            raise KeyError(f"no tensor {name!r}; available: {', '.join(self._names)}")
        tensor: Tensor = self._file.get_tensor(name)
        return tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
