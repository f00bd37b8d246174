"""A job as the workflow runs it: hand it to the fork server, or become it. Imports little: it starts for each job."""

import array
import json
import os
import signal
import socket
import sys
from types import FrameType

ADDRESS = "TOUCHSTONE_FORKSERVER"
STANDARD = (0, 1, 2)


def main() -> None:
    """Run `python -m benchmark` with this program's words, and end as it ends."""
    address = os.environ.pop(ADDRESS, "")
    server = socket.socket(socket.AF_UNIX)
    try:
        server.connect(address)
        mask = os.umask(0o77)
        os.umask(mask)
        told = {"words": sys.argv[1:], "environment": dict(os.environ), "folder": os.getcwd(), "mask": mask}  # noqa: PTH109 - pathlib takes its time
        files = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", STANDARD))]
        server.sendmsg([b"j"], files)
        server.sendall(json.dumps(told).encode() + b"\n")
        answers = server.makefile("rb")
        number = answers.readline()
    except OSError:
        number = b""
    if not number:  # no server, or one that takes no orders from here
        os.execv(sys.executable, [sys.executable, "-m", "benchmark", *sys.argv[1:]])
    job = int(number)

    def pass_on(got: int, _frame: FrameType | None) -> None:
        os.kill(job, got)

    for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(each, pass_on)
    # A terminal tells all processes of a group, the job among them.
    signal.signal(signal.SIGINT, signal.SIG_IGN if os.getpgid(job) == os.getpgrp() else pass_on)
    status = answers.readline()
    if not status:
        sys.stderr.write("touchstone: the process that starts jobs has ended, and the job with it\n")
        os._exit(1)
    code = os.waitstatus_to_exitcode(int(status))
    if code < 0:
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


main()
