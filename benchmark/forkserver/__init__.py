"""Jobs of a local run are forked from one process that has imported their libraries: torch alone takes two seconds.

    start(["torch"], ["sklearn"])                     in the process that runs the workflow
    python benchmark/forkserver/launch.py train ...   a job: forked by the server if one runs, else a process of its own

    workflow ---- forks ----> server        imports libraries, never a module of this project or of a plugin
       | runs                   | forks one for each launcher
       v                        v
    launcher <--- socket ---> job           `python -m benchmark ...` with the launcher's words, environment and files

A job is alive as long as its launcher: what is done to one of them happens to the other. The server takes orders from
launchers alone, which are descendants of the workflow and not its own, as methods are; it outlives the workflow only
until its jobs have ended. Where there is a secret in the environment, on other systems than Linux, and for jobs on
other machines there is no server, and a launcher becomes the job.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from benchmark.seeds import VARIABLE

ADDRESS = "TOUCHSTONE_FORKSERVER"
LAUNCHER = Path(__file__).with_name("launch.py")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
"""How many threads libraries have from the moment they are loaded; jobs change it afterwards."""


def start(first: Iterable[str], later: Iterable[str] = ()) -> subprocess.Popen[bytes] | None:
    """Start a server and name it in the environment; None where there is none. It imports what is `first` before it
    serves any job, and one of the others whenever no job waits to be served.

    It ends after this process has ended.
    """
    if sys.platform != "linux" or os.environ.get(VARIABLE):
        return None
    folder = Path(tempfile.mkdtemp(prefix="touchstone-"))
    address = str(folder / "jobs")
    environment = {name: value for name, value in os.environ.items() if name != ADDRESS}
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(128)
        words = [str(os.getpid()), str(listener.fileno()), address, *(json.dumps([*names]) for names in (first, later))]
        server = subprocess.Popen(
            [sys.executable, "-P", str(Path(__file__).with_name("server.py")), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            pass_fds=[listener.fileno()],
            env=environment | dict.fromkeys(THREADS, "1"),
        )
    os.environ[ADDRESS] = address
    return server
