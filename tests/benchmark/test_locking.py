"""One run at a time, and no lock that outlives its run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.errors import TouchstoneError
from benchmark.locking import hold

HOLDER = "import sys; from pathlib import Path; from benchmark.locking import hold; h = hold(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"  # noqa: E501


def test_a_second_run_is_told_of_the_first_and_a_kill_frees_the_lock(tmp_path: Path) -> None:
    lock = tmp_path / "results" / ".lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(TouchstoneError, match=r"another run is at work in .*results"):
        hold(lock)
    holder.kill()
    holder.communicate()
    hold(lock).close()
    hold(lock).close()
