"""Public and sealed seeds.

    plant_seed(label, sealed=False) -> label                    public: whoever knows the seed can plant it anew
    plant_seed(label, sealed=True) -> a number from the secret  sealed: nobody knows it before the board is published

The secret is the text of the environment variable TOUCHSTONE_SECRET; its hash, the seal, names what was made with it,
so that another secret trains afresh. A process's environment can be read from its memory and from /proc, by its
children too. So the command line begins by starting itself anew without the variable (`hide_secret`), the secret in a
file that lies in memory alone; the poser reads it there, and whoever runs methods has closed it before
(`forget_secret`).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import sys
from contextlib import suppress

from benchmark.errors import TouchstoneError

VARIABLE = "TOUCHSTONE_SECRET"
DESCRIPTOR = "TOUCHSTONE_SECRET_DESCRIPTOR"
SEAL = "TOUCHSTONE_SEAL"
LEAST = 16
"""Characters of a secret that nobody guesses."""


def secret() -> str:
    """The secret. Raises `TouchstoneError` if there is none, or a short one."""
    text = os.environ.get(VARIABLE, "")
    if number := os.environ.get(DESCRIPTOR):
        with suppress(OSError, ValueError):
            text = os.pread(int(number), 65536, 0).decode()
    if len(text) < LEAST:
        raise TouchstoneError(
            f"this profile's seeds are sealed: set {VARIABLE} to a secret of at least {LEAST} characters "
            f"(got {len(text)}), for example from `openssl rand -hex 32`"
        )
    return text


def secret_descriptors(_job: int = 0) -> list[int]:
    """What a child needs of this process in order to plant: for those that run no method (`run_isolated(kept=...)`)."""
    number = os.environ.get(DESCRIPTOR)
    return [int(number)] if number else []


def seal() -> str:
    """The hash under which results of this secret are kept and published."""
    return os.environ.get(SEAL) or _seal(secret())


def _seal(text: str) -> str:
    return hashlib.sha256(b"touchstone seal\0" + text.encode()).hexdigest()[:16]


def plant_seed(label: int, *, sealed: bool) -> int:
    """The seed from which an instance is planted."""
    if not sealed:
        return label
    return int.from_bytes(hmac.digest(secret().encode(), f"seed {label}".encode(), "sha256")[:6], "big")


def method_seed(label: int, repeat: int = 0) -> int:
    """Where a method's own draws start on an instance: its public label; a repetition has a seed of its own."""
    if repeat == 0:
        return label
    return int.from_bytes(hashlib.sha256(f"{label}/{repeat}".encode()).digest()[:4], "big")


def hide_secret() -> None:
    """Start this program anew without the secret in its environment or its memory; without a secret, do nothing."""
    text = os.environ.get(VARIABLE, "")
    if len(text) < LEAST or not hasattr(os, "memfd_create"):
        return
    descriptor = os.memfd_create("secret", 0)
    os.write(descriptor, text.encode())
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    environment |= {DESCRIPTOR: str(descriptor), SEAL: _seal(text)}
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)


def forget_secret() -> None:
    """Close the way to the secret in this process and in all that it forks from now on; the seal stays known."""
    if os.environ.get(VARIABLE) or os.environ.get(DESCRIPTOR):
        with suppress(TouchstoneError):
            os.environ[SEAL] = seal()
    os.environ.pop(VARIABLE, None)
    if number := os.environ.pop(DESCRIPTOR, None):
        with suppress(OSError, ValueError):
            os.close(int(number))
