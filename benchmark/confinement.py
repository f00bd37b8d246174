"""What a child may touch: its own folder and nothing else, by the kernel's own means and without being root.

    Confinement(hidden=[results, leaderboard], writable=[folder])

Three things the kernel offers, each for what it does best, each left out where the system lacks it:

- *Landlock* (Linux 5.13; https://docs.kernel.org/userspace-api/landlock.html) is the mechanism for files, signals and
  the memory of other processes; it needs no privilege. It only ever allows: the child may read the largest trees that
  hold nothing hidden, which is why not even the listing of a folder above a hidden one is left to it.
- *seccomp* (`man 2 seccomp`) is the mechanism for the network: no socket but a local one, and that connects to nothing.
- *Namespaces* (`man 7 namespaces`) give the child process numbers of its own, so that it sees nobody to signal and all
  that it started ends with it; and a view of the files that is read-only, which adds what Landlock leaves open: modes,
  owners and times of files.

Root gives up its capabilities; a device file is granted by name, because the disk is one, too.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import platform
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)
NEW_MOUNTS, NEW_USER, NEW_PROCESSES, NEW_NETWORK = 0x00020000, 0x10000000, 0x20000000, 0x40000000
READ = 1 << 0 | 1 << 2 | 1 << 3  # execute, read a file, list a folder
FILE = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14  # what can be granted on a file: execute, write, read, truncate
DEVICES = ("null", "zero", "full", "random", "urandom", "nvidia*", "nvidia-caps", "dri", "kfd", "shm")
SECCOMP = {  # architecture, then the numbers of socket, socketpair, connect, io_uring_setup, shmget, semget, msgget
    "x86_64": (0xC000003E, 41, 53, 42, 425, 29, 64, 68),
    "aarch64": (0xC00000B7, 198, 199, 203, 425, 194, 190, 186),
}


@dataclass(frozen=True)
class Confinement:
    """What a child can neither read nor list, the only folders where it can write, and whether it has a network."""

    hidden: Sequence[Path] = ()
    writable: Sequence[Path] = ()
    network: bool = False

    @functools.cached_property
    def resolved(self) -> tuple[list[Path], list[Path]]:
        """`hidden` and `writable` without links; a writable folder may lie in a hidden one, not above it."""
        hidden, writable = ([Path(p).resolve() for p in paths] for paths in (self.hidden, self.writable))
        for folder in writable:
            for path in hidden:
                if path.is_relative_to(folder):
                    raise ValueError(f"expected nothing hidden within what is writable, got {path} in {folder}")
        return hidden, writable


@functools.cache
def namespaces() -> bool:
    """Whether a process here gets namespaces, and all the mounts of a confined child in them; asked once."""
    return _in_child(lambda: enter_namespaces() and _in_child(lambda: _own_view(Confinement())))


def enter_namespaces(confinement: Confinement | None = None) -> bool:
    """Give the processes forked from here on numbers and mounts of their own; there is no way back, ask before.

    The first process forked afterwards is their init: all others end with it.
    """
    user, group = os.getuid(), os.getgid()
    flags = NEW_PROCESSES | NEW_MOUNTS
    if confinement is not None and not confinement.network and not seccomp():
        flags |= NEW_NETWORK
    if LIBC.unshare(flags) != 0:
        if LIBC.unshare(flags | NEW_USER) != 0:
            return False
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    return _mount(None, "/", None, 1 << 14 | 1 << 18)  # recursively private: no mount of ours is seen outside


def confine(confinement: Confinement | None, own: bool) -> None:
    """In the child: give up all that it must not do; `own` says whether it has namespaces of its own.

    A child without a confinement only gets its own /proc, or, where it has no process numbers of its own, is kept from
    signalling others.
    """
    _check(LIBC.prctl(38, 1, 0, 0, 0), "no_new_privs")
    if confinement is None:
        _mount("proc", "/proc", "proc", 0) if own else _restrict(None)
        return
    if own:
        _own_view(confinement)
    if confinement.writable:
        os.chdir(confinement.resolved[1][-1])  # a folder above a mount would lead below it
    _restrict(confinement)
    if not confinement.network:
        _without_network()
    header, nothing = struct.pack("Ii", 0x20080522, 0), bytes(24)
    _check(LIBC.capset(header, nothing), "capset")


def _own_view(confinement: Confinement) -> bool:
    """Mounts that only this child sees: empty over what is hidden, read-only all but what is writable; False if not."""
    hidden, writable = confinement.resolved
    kept = [(folder, os.open(folder, os.O_PATH | os.O_DIRECTORY)) for folder in writable]
    done = [
        _mount("tmpfs", path, "tmpfs", 0) if path.is_dir() else _mount(os.devnull, path, None, 1 << 12)
        for path in hidden
        if path.exists()
    ]
    for folder, descriptor in kept:
        folder.mkdir(parents=True, exist_ok=True)  # it may lie in what is now covered
        done.append(_mount(f"/proc/self/fd/{descriptor}", folder, None, 1 << 12 | 1 << 14))
        os.close(descriptor)
    done += [_read_only("/", True), *(_read_only(folder, False) for folder in writable)]
    done.append(_mount("proc", "/proc", "proc", 0 if landlock() else 1))
    done.append(_mount("tmpfs", "/dev/shm", "tmpfs", 0))
    return all(done)


def _restrict(confinement: Confinement | None) -> None:
    """Landlock: read what is not hidden, write what is writable, signal and look into nobody outside."""
    version = landlock()
    files = 0
    if confinement is not None:
        files = (1 << 13) - 1 | (1 << 13 if version >= 2 else 0) | (1 << 14 if version >= 3 else 0)
    network = 3 if version >= 4 and confinement is not None and not confinement.network else 0
    scope = (2 if confinement is None or confinement.network else 3) if version >= 6 else 0
    if not files | network | scope or not version:
        return
    attributes = struct.pack("QQQ", files, network, scope)
    rules = _check(LIBC.syscall(444, attributes, len(attributes), 0), "landlock_create_ruleset")
    if confinement is not None:
        hidden, writable = confinement.resolved
        for path in readable(hidden):
            _grant(rules, path, READ)
        for pattern in DEVICES:
            for path in Path("/dev").glob(pattern):
                _grant(rules, path, files if path.is_dir() else READ | FILE & files)
        for path in (*writable, Path("/proc/self").resolve()):
            _grant(rules, path, files)
    _check(LIBC.syscall(446, rules, 0), "landlock_restrict_self")
    os.close(rules)


def readable(hidden: Sequence[Path]) -> Iterator[Path]:
    """The largest trees that hold nothing hidden and no devices; links are left out, what they lead to is judged."""
    closed = {*hidden, Path("/dev")}
    above = {parent for path in closed for parent in path.parents}
    waiting = [Path("/")]
    while waiting:
        path = waiting.pop()
        if path in above:
            with suppress(OSError), os.scandir(path) as entries:
                waiting.extend(Path(entry.path) for entry in entries if not entry.is_symlink())
        elif path not in closed:
            yield path


def _grant(rules: int, path: Path, access: int) -> None:
    with suppress(FileNotFoundError, PermissionError):
        descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW)
        if not path.is_dir():
            access &= FILE
        LIBC.syscall(445, rules, 1, struct.pack("=Qi", access, descriptor), 0)  # refused: no more is allowed, not less
        os.close(descriptor)


def _without_network() -> None:
    """seccomp: no sockets but local streams, none of them connected; nothing that would go round this filter."""
    if not seccomp():
        return
    architecture, socket, pair, connect, *others = SECCOMP[platform.machine()]
    load, equal, at_least, mask, give = 0x20, 0x15, 0x35, 0x54, 0x06
    refused = [connect, *others]
    tail = [  # (code, value, where to go if true, if false): "no" and "yes" are the two last lines
        *((equal, number, "no", "next") for number in refused),
        (equal, pair, "type", "next"),
        (equal, socket, "next", "yes"),
        (load, 16, "next", "next"),
        (equal, 1, "next", "no"),  # AF_UNIX alone: CUDA's library makes one
        (load, 24, "next", "next"),
        (mask, 0xF, "next", "next"),
        (equal, 2, "no", "next"),  # datagrams reach an address without connecting, also from a pair
        (equal, 3, "no", "yes"),  # SOCK_RAW means the same there
    ]
    program = [
        (load, 4, "next", "next"),
        (equal, architecture, "next", "no"),
        (load, 0, "next", "next"),
        (at_least, 0x40000000, "no", "next"),  # x32: the same calls under other numbers
        *tail,
    ]
    ends = {"no": len(program), "yes": len(program) + 1, "type": len(program) - 4}
    code = b""
    for line, (operation, value, true, false) in enumerate(program):
        hops = [ends.get(where, line + 1) - line - 1 for where in (true, false)]
        code += struct.pack("HBBI", operation, *hops, value)
    code += struct.pack("HBBI", give, 0, 0, 0x00050000 | errno.EACCES) + struct.pack("HBBI", give, 0, 0, 0x7FFF0000)
    buffer = ctypes.create_string_buffer(code)
    _check(LIBC.prctl(22, 2, struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buffer)), 0, 0), "seccomp")


def landlock() -> int:
    """The version of Landlock that the kernel offers, 0 for none."""
    return max(0, int(LIBC.syscall(444, None, 0, 1)))


def seccomp() -> bool:
    """Whether the kernel filters system calls, on a machine whose numbers for them are known here."""
    return platform.machine() in SECCOMP and int(LIBC.prctl(21, 0, 0, 0, 0)) >= 0


def _mount(source: object, target: object, kind: str | None, flags: int) -> bool:
    encoded = (None if text is None else os.fsencode(str(text)) for text in (source, target, kind))
    return bool(LIBC.mount(*encoded, ctypes.c_ulong(flags), None) == 0)


def _read_only(path: object, yes: bool) -> bool:
    attributes = struct.pack("QQQQ", 1 if yes else 0, 0 if yes else 1, 0, 0)
    return bool(LIBC.syscall(442, -100, os.fsencode(str(path)), 0x8000, attributes, len(attributes)) == 0)


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


@functools.cache
def protection() -> str:
    """One sentence on what a confined child can still do on this system; empty where nothing is missing."""
    version, own, filtered = landlock(), namespaces(), seccomp()
    missing = [
        *(["Landlock"] if not version else [f"Landlock 6 (has {version})"] if version < 6 else []),
        *([] if own else ["namespaces"]),
        *([] if filtered else ["seccomp"]),
    ]
    still = [
        *(["read and write what its user can"] if not version and not own else []),
        *(["read disks as devices"] if not version and own and os.getuid() == 0 else []),
        *(["cut files short"] if version in (1, 2) and not own else []),
        *(["change modes and times of its user's files", "see those of hidden ones"] if version and not own else []),
        *(["look into its user's processes"] if not version and not own else []),
        *(["signal its user's processes"] if version < 6 and not own else []),
        *(["leave processes behind if it kills the one that keeps it"] if version < 6 and not own else []),
        *(
            ["reach the network" if version < 4 else "reach the network, though not by TCP"]
            if not filtered and not own
            else []
        ),
        *(["connect to sockets in the file system"] if not filtered else []),
    ]
    if not still:
        return ""
    return f"This system lacks {', '.join(missing)} for a full confinement: a plugin could {', '.join(still)}."


def _in_child(question: Callable[[], bool]) -> bool:
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if question() else 1)
        except OSError:
            pass  # that is the answer
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0
