"""A cheat: the secret behind sealed seeds, from the environment, the files or the memory of this process and others."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from methods.attribution._spoils import answer, loot

from benchmark.families.attribution import attribution_method

SECRET = re.compile(rb"TOUCHSTONE_SECRET=([0-9a-f]{32,})")
MOST = 1 << 26


def processes() -> list[str]:
    """This process first, then those above it, then all others that can be seen."""
    above, number = ["self"], os.getpid()
    while number > 1:
        try:
            status = Path(f"/proc/{number}/status").read_text()
        except OSError:
            break
        number = int(status.split("PPid:")[1].split()[0])
        above.append(str(number))
    return above


def everybody() -> list[str]:
    """All processes that /proc shows."""
    return [path.name for path in Path("/proc").iterdir() if path.name.isdigit()]


def environments() -> str | None:
    for process in everybody():
        try:
            found = SECRET.search(Path(f"/proc/{process}/environ").read_bytes())
        except OSError:
            continue
        if found:
            return found[1].decode()
    return None


def open_files() -> str | None:
    """Memory files that somebody holds open."""
    for process in everybody():
        try:
            files = list(Path(f"/proc/{process}/fd").iterdir())
        except OSError:
            continue
        for path in files:
            try:
                if "memfd:secret" in str(path.readlink()):
                    return path.read_text()
            except OSError:
                continue
    return None


def chunks(process: str) -> Iterator[bytes]:
    """The writable memory of a process."""
    for line in Path(f"/proc/{process}/maps").read_text().splitlines():
        span, rights = line.split()[:2]
        low, high = (int(end, 16) for end in span.split("-"))
        if rights.startswith("rw") and "[v" not in line:
            with Path(f"/proc/{process}/mem").open("rb", 0) as memory:
                memory.seek(low)
                try:
                    yield memory.read(min(high - low, MOST))
                except OSError:
                    continue


def memories() -> str | None:
    for process in processes():
        try:
            for chunk in chunks(process):
                if found := SECRET.search(chunk):
                    return found[1].decode()
        except OSError:
            continue
    return None


WAYS = {
    "own environment": lambda: os.environ.get("TOUCHSTONE_SECRET"),
    "descriptor": lambda: os.pread(int(os.environ["TOUCHSTONE_SECRET_DESCRIPTOR"]), 4096, 0).decode() or None,
    "environments": environments,
    "open files": open_files,
    "memories": memories,
}


@attribution_method(cites="a test")
def secret(question):
    """Look for the secret."""
    return answer(question, loot(WAYS))
