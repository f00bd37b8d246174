"""The engine's process of a notebook: one request over a socket, one answer.

    python -m benchmark.notebook <descriptor>

The kernel of a notebook is no process to fork methods from: it has run autograd, may hold a GPU, and has whatever its
author has loaded. So the engine is a program of its own; it ends with the kernel, and with the cell that is stopped.
"""

from __future__ import annotations

import signal
import socket
import sys
import traceback
from typing import Any

import numpy as np

from benchmark.confinement import LIBC
from benchmark.errors import TouchstoneError
from benchmark.log import start_logging
from benchmark.notebook.engine import Evaluated, Request, evaluated
from benchmark.posing import wire
from benchmark.seeds import hide_secret


def main(descriptor: int) -> None:
    """Read a request, answer it, and end."""
    if sys.platform == "linux":
        LIBC.prctl(1, signal.SIGINT, 0, 0, 0)  # when the kernel dies
    start_logging()
    with socket.socket(fileno=descriptor) as connection:
        connection.set_inheritable(False)
        asked, buffers = wire.receive(connection)
        try:
            answer = _plain(evaluated(Request(**asked), buffers[0].tobytes()))
        except TouchstoneError as error:
            answer = {"error": str(error)}
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"the engine failed: {type(error).__name__}: {error}"}
        wire.send(connection, *wire.encode(answer))


def _plain(found: Evaluated) -> dict[str, Any]:
    """The answer in what travels: columns as arrays, or as lists of texts."""
    columns = {
        str(name): column.tolist() if column.dtype == "string" else np.asarray(column)
        for name, column in found.table.items()
    }
    plain = {key: value for key, value in vars(found).items() if key not in ("table", "picture")}
    return {**plain, "columns": columns, "picture": np.frombuffer(found.picture, np.uint8)}


if __name__ == "__main__":
    hide_secret()
    main(int(sys.argv[1]))
