"""Public and sealed seeds.

    plant_seed(label, sealed=False) -> label                    public: whoever knows the seed can plant it anew
    plant_seed(label, sealed=True) -> a number from the secret  sealed: nobody knows it before the board is published

The secret is the text of the environment variable TOUCHSTONE_SECRET. Its hash names what was made with it, so that
another secret trains afresh. Processes that run methods wipe it (`forget_secret`) after the poser was forked.
"""

from __future__ import annotations

import hashlib
import hmac
import os

from benchmark.errors import TouchstoneError

VARIABLE = "TOUCHSTONE_SECRET"
LEAST = 16
"""Characters of a secret that nobody guesses."""


def secret() -> str:
    """The secret from the environment. Raises `TouchstoneError` if there is none, or a short one."""
    text = os.environ.get(VARIABLE, "")
    if len(text) < LEAST:
        raise TouchstoneError(
            f"this profile's seeds are sealed: set {VARIABLE} to a secret of at least {LEAST} characters "
            f"(got {len(text)}), for example from `openssl rand -hex 32`"
        )
    return text


def seal() -> str:
    """The hash under which results of this secret are kept and published."""
    return hashlib.sha256(b"touchstone seal\0" + secret().encode()).hexdigest()[:16]


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


def forget_secret() -> None:
    """Remove the secret from this process's environment."""
    os.environ.pop(VARIABLE, None)
