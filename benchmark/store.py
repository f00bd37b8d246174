"""The one room that keeps results: told an address, a key and how to make a thing, it answers with the thing.

    store = Store(layout.results)
    kept = store.find("explanations/attribution.blockmnist/gradient/top.0", key)     None unless whole and made from key
    kept = store.put(address, key, content, {"": {"attributions": tensor}})          written atomically
    kept.content, kept.tensors("")                                                   read back; damage is an error

A thing is a JSON file `<address>.json`, with its key, its content, and the size, time and checksum of the tensor files
beside it (`<address>.safetensors`, `<address>.<part>.safetensors`). Writing takes checksums once; a reader compares
size and time, and once in a run, which a ledger remembers, the checksum. Several things under one address, each with a
key of its own (the values of an explanation), are a `Shelf`. Nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from benchmark.artifacts import FileRecord, TensorFile, record, sha256, write_bytes, write_tensors
from benchmark.errors import DamagedArtifactError

if TYPE_CHECKING:
    from torch import Tensor

Key = str
log = logging.getLogger("touchstone")


def digest(value: Any) -> Key:
    """A short hash of anything JSON can hold, independent of the order of keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]


class Entry(BaseModel):
    """One thing on disk, as its JSON file holds it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: Key
    content: dict[str, Any]
    files: dict[str, FileRecord]
    checksum: str = ""

    def sealed(self) -> Entry:
        """The same with a checksum of its own, so that a changed JSON file is noticed."""
        return self.model_copy(update={"checksum": self.expected})

    @property
    def expected(self) -> str:
        """The checksum that belongs to key, content and files."""
        return digest([self.key, self.content, {name: file.model_dump() for name, file in self.files.items()}])


@dataclass(frozen=True)
class Kept:
    """A thing that is whole."""

    path: Path
    """Its JSON file."""
    entry: Entry
    ledger: Ledger

    @property
    def content(self) -> dict[str, Any]:
        """What was put there beside the tensors."""
        return self.entry.content

    @property
    def files(self) -> dict[Path, FileRecord]:
        """All files of it, as they were recorded when they were written."""
        own = self.path.stat()
        listed = {self.path.parent / name: file for name, file in self.entry.files.items()}
        json_file = FileRecord(sha256=sha256(self.path), bytes=own.st_size, mtime_ns=own.st_mtime_ns)
        return {self.path: json_file, **listed}

    @cached_property
    def identity(self) -> Key:
        """What the tensors hold, whatever they were made from: equal for equal bytes."""
        return digest({name.partition(".")[2]: file.sha256 for name, file in self.entry.files.items()})

    def blob(self, suffix: str) -> Path:
        """Where a file that is no tensors lies."""
        return self.path.with_suffix(f".{suffix}")

    def tensors(self, part: str = "", device: str = "cpu") -> TensorFile:
        """The tensors of a part, memory-mapped. Raises `DamagedArtifactError`."""
        path = _part(self.path, part)
        expected = self.entry.files.get(path.name)
        if expected is None:
            raise DamagedArtifactError(f"{self.path} is damaged: it lists no file {path.name}")
        self.ledger.verify(path, expected)
        return TensorFile(path, device)


class Ledger:
    """Which files were compared by checksum in this run, so that each is hashed once and not once for every reader.

    A line `run size time path` for each; children and later jobs of the run read it, other runs begin anew.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run = os.environ.get("TOUCHSTONE_RUN", f"process-{os.getpid()}")
        self.known: set[str] | None = None

    def verify(self, path: Path, expected: FileRecord) -> None:
        """Raise `DamagedArtifactError` unless the file is what was written."""
        expected.compare(path)
        line = self._line(path, expected)
        if line not in self._lines():
            expected.compare(path, by_checksum=True)
            self.note(path, expected)

    def note(self, path: Path, file: FileRecord) -> None:
        """Remember a file whose checksum was just taken."""
        line = self._line(path, file)
        self._lines().add(line)
        with suppress(OSError), self.path.open("a", encoding="utf-8") as stream:  # a read-only folder: hashed again
            stream.write(line + "\n")

    def _line(self, path: Path, file: FileRecord) -> str:
        return f"{self.run} {file.bytes} {file.mtime_ns} {path}"

    def _lines(self) -> set[str]:
        if self.known is None:
            lines: list[str] = []
            with suppress(OSError, UnicodeDecodeError):
                lines = self.path.read_text(encoding="utf-8").splitlines()
            self.known = {line for line in lines if line.startswith(f"{self.run} ")}
            if len(self.known) < len(lines):  # what other runs noted is of no use any more
                with suppress(OSError):
                    self.path.write_text("".join(f"{line}\n" for line in self.known), encoding="utf-8")
        return self.known


class Store:
    """Everything kept under one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ledger = Ledger(folder / ".verified")

    def path(self, address: str) -> Path:
        """The JSON file of an address."""
        return self.folder / f"{address}.json"

    def find(self, address: str, key: Key) -> Kept | None:
        """The thing at an address if it is whole and was made from `key`; what is damaged is said, and made again."""
        try:
            kept = self.read(address)
        except FileNotFoundError:
            return None
        except DamagedArtifactError as error:
            log.warning("%s; it is made again", error)
            return None
        return kept if kept.entry.key == key else None

    def read(self, address: str) -> Kept:
        """The thing at an address, whatever it was made from.

        Raises:
            FileNotFoundError: there is none.
            DamagedArtifactError: it, or a file of it, is not what was written (sizes and times are compared).
        """
        path = self.path(address)
        entry = read_entry(path)
        for name, file in entry.files.items():
            file.compare(path.parent / name)
        return Kept(path, entry, self.ledger)

    def put(
        self,
        address: str,
        key: Key,
        content: Mapping[str, Any],
        parts: Mapping[str, Mapping[str, Tensor]] | None = None,
        blobs: Mapping[str, bytes] | None = None,
    ) -> Kept:
        """Write a thing: its tensors and other files (by suffix), then the JSON file that vouches for them."""
        path = self.path(address)
        files = {}
        for part, tensors in (parts or {}).items():
            target = _part(path, part)
            files[target.name] = write_tensors(target, tensors)
            self.ledger.note(target, files[target.name])
        for suffix, blob in (blobs or {}).items():
            target = path.with_suffix(f".{suffix}")
            files[target.name] = write_bytes(target, blob)
        entry = Entry(key=key, content=_plain(content), files=files).sealed()
        write_entry(path, entry)
        return Kept(path, entry, self.ledger)

    def forget(self, address: str) -> None:
        """Remove a thing."""
        self.path(address).unlink(missing_ok=True)

    def shelf(self, address: str) -> Shelf:
        """The shelf at an address; an absent or damaged one is empty."""
        try:
            entries = self.read(address).content
        except FileNotFoundError:
            entries = {}
        except DamagedArtifactError as error:
            log.warning("%s; it is made again", error)
            entries = {}
        return Shelf(self, address, dict(entries))


@dataclass
class Shelf:
    """Small things under one address, each with its name, its key and a plain content."""

    store: Store
    address: str
    entries: dict[str, Any]
    changed: bool = False

    def find(self, name: str, key: Key) -> dict[str, Any] | None:
        """The thing called `name` if it was made from `key`."""
        entry = self.entries.get(name)
        return entry["content"] if isinstance(entry, dict) and entry.get("key") == key else None

    def put(self, name: str, key: Key, content: Mapping[str, Any]) -> None:
        """Set a thing; `save` writes."""
        self.entries[name] = {"key": key, "content": dict(content)}
        self.changed = True

    def save(self, keep: Iterable[str]) -> None:
        """Write the things called `keep`; others are dropped."""
        names = set(keep)
        if not self.changed and names >= set(self.entries):
            return
        self.entries = {name: entry for name, entry in self.entries.items() if name in names}
        self.store.put(self.address, "", self.entries)


def read_entry(path: Path) -> Entry:
    """Read a JSON file of the store. Raises `FileNotFoundError`, or `DamagedArtifactError` if it is not what was
    written."""
    try:
        entry = Entry.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise
    except (ValidationError, ValueError, RecursionError, OSError) as error:
        reason = f"{type(error).__name__}" if isinstance(error, ValidationError) else str(error)
        raise DamagedArtifactError(f"{path} is damaged: it is not a record of a result ({reason})") from None
    if entry.checksum != entry.expected:
        raise DamagedArtifactError(f"{path} is damaged: its contents are not those it was written with")
    return entry


def write_entry(path: Path, entry: Entry) -> FileRecord:
    """Write a JSON file of the store, atomically."""
    text = json.dumps(entry.model_dump(), indent=1, sort_keys=True) + "\n"
    return write_bytes(path, text.encode())


def write_index(path: Path, files: Mapping[Path, FileRecord], content: Mapping[str, Any]) -> None:
    """Write the JSON that ends a job: it vouches for `files`, which may lie anywhere, by their relative paths."""
    listed = {os.path.relpath(file, path.parent): seen for file, seen in files.items()}
    write_entry(path, Entry(key="", content=_plain(content), files=listed).sealed())


def recorded(paths: Iterable[Path]) -> dict[Path, FileRecord]:
    """Files as they lie there, for an index over files that the job has just written itself."""
    return {path: record(path) for path in paths}


def damaged(index: Path, *, by_checksum: bool = False) -> list[str]:
    """What is wrong with an index and the files it lists, a sentence each."""
    try:
        entry = read_entry(index)
    except FileNotFoundError:
        return [f"{index} is missing"]
    except DamagedArtifactError as error:
        return [str(error)]
    problems = []
    for name, file in entry.files.items():
        try:
            file.compare(index.parent / name, by_checksum=by_checksum)
        except DamagedArtifactError as error:
            problems.append(str(error))
    return problems


def _part(path: Path, part: str) -> Path:
    stem = path.name.removesuffix(".json")
    return path.with_name(f"{stem}.{part}.safetensors" if part else f"{stem}.safetensors")


def _plain(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content as JSON gives it back, so that what is found equals what was put."""
    plain: dict[str, Any] = json.loads(json.dumps(content, default=str))
    return plain
