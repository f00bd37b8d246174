"""Files on disk: safetensors and JSON, written atomically, with checksums that every reader verifies.

    write_tensors(path, {"atoms": ...}) -> FileRecord       a temporary name, then a rename: a file is whole or absent
    write_index(path, files, content)                       JSON that lists files with their SHA-256, size and time
    damaged(index) -> what is not as it was written: the index itself, or files it lists

Nothing is ever unpickled.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.errors import DamagedArtifactError, TouchstoneError

if TYPE_CHECKING:
    from torch import Tensor

FileRecord = dict[str, Any]


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
        temporary.unlink(missing_ok=True)
        if _disk_is_full(error):
            raise TouchstoneError(
                f"no space left on the device while writing {path}; free some and run the same command again: "
                "what is complete is kept and not computed again"
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
    return {"sha256": sha256(path), "bytes": status.st_size, "mtime_ns": status.st_mtime_ns}


def write_bytes(path: Path, content: bytes) -> FileRecord:
    """Write bytes atomically."""
    return write_atomically(path, lambda temporary: _write_all(temporary, content))


def _write_all(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def write_json(path: Path, content: Any) -> FileRecord:
    """Write JSON atomically."""
    text = json.dumps(content, indent=1, sort_keys=True, allow_nan=True) + "\n"
    return write_bytes(path, text.encode())


def read_json(path: Path) -> Any:
    """Read JSON; a file that is absent or no JSON is damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DamagedArtifactError(f"{path} is missing") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise DamagedArtifactError(f"{path} is damaged: {error}") from None


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> FileRecord:
    """Write tensors as safetensors, atomically."""
    from safetensors.torch import save_file

    ready = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    return write_atomically(path, lambda temporary: save_file(ready, temporary))


class TensorFile(Mapping[str, "Tensor"]):
    """The tensors of a safetensors file, memory-mapped and read when asked for."""

    def __init__(self, path: Path, expected: FileRecord | None = None, device: str = "cpu") -> None:
        from safetensors import SafetensorError, safe_open

        if expected is not None:
            verify(path, expected)
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


def verify(path: Path, expected: FileRecord) -> None:
    """Raise `DamagedArtifactError` unless the file has the checksum that was recorded when it was written."""
    if not path.is_file():
        raise DamagedArtifactError(f"{path} is missing")
    size = path.stat().st_size
    if size != expected["bytes"]:
        raise DamagedArtifactError(f"{path} is damaged: {size} bytes instead of {expected['bytes']}")
    if sha256(path) != expected["sha256"]:
        raise DamagedArtifactError(f"{path} is damaged: its checksum is not the one recorded when it was written")


def write_index(path: Path, files: Mapping[str, FileRecord], content: Mapping[str, Any]) -> None:
    """Write JSON that vouches for `files` (paths relative to the index) and, with a checksum of its own, for itself."""
    whole = {**content, "files": dict(files)}
    write_json(path, {**whole, "checksum": _checksum(whole)})


def _checksum(content: Any) -> str:
    plain = json.loads(json.dumps(content))
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def still_true(index: Path, key: Any, otherwise: str) -> Any:
    """The content of an index that is whole and was made from `key`, else None.

    Says what is damaged, and what is done about it: `otherwise` ("it is trained again").
    """
    if not index.is_file():
        return None
    problems = damaged(index)
    for problem in problems:
        logging.getLogger("touchstone").warning("%s; %s", problem, otherwise)
    if problems:
        return None
    content = read_json(index)
    return content if content["key"] == json.loads(json.dumps(key, default=str)) else None


def damaged(index: Path) -> list[str]:
    """What is wrong with an index and the files it lists, a sentence each; unchanged size and time are trusted."""
    try:
        content = read_json(index)
        checksum = content.pop("checksum")
        files = dict(content["files"])
    except DamagedArtifactError as error:
        return [str(error)]
    except (KeyError, TypeError, ValueError, AttributeError):
        return [f"{index} is damaged: it is not an index of files"]
    if checksum != _checksum(content):
        return [f"{index} is damaged: its contents are not those it was written with"]
    problems = []
    for name, expected in files.items():
        path = index.parent / name
        try:
            status = path.stat()
            if (status.st_size, status.st_mtime_ns) != (expected["bytes"], expected["mtime_ns"]):
                verify(path, expected)
        except OSError:
            problems.append(f"{path} is missing")
        except DamagedArtifactError as error:
            problems.append(str(error))
    return problems
