"""A cheat: tell the questions to somebody outside, who may know the answers."""

from __future__ import annotations

import socket
from pathlib import Path

from methods.attribution._spoils import answer, loot

from benchmark.families.attribution import attribution_method

TREE = Path(__file__).resolve().parents[2]


def told(kind: int, family: int = socket.AF_INET) -> bool:
    """Send a word to the listener; its port, or its socket, stands beside the methods."""
    address = ("127.0.0.1", int((TREE / "port").read_text())) if family == socket.AF_INET else str(TREE / "socket")
    with socket.socket(family, kind) as line:
        line.settimeout(5)
        line.connect(address)
        return line.send(b"questions") > 0


WAYS = {
    "tcp": lambda: told(socket.SOCK_STREAM),
    "udp": lambda: told(socket.SOCK_DGRAM),
    "unix": lambda: told(socket.SOCK_STREAM, socket.AF_UNIX),
}


@attribution_method(cites="a test")
def network(question):
    """Ask outside."""
    return answer(question, loot(WAYS))
