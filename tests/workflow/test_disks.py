"""A full disk and a read-only folder: a stage says so in a sentence, and nothing already computed is lost."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tests.support.tree import ALL, SEEDS, Tree, counts, write_profile

NAMESPACES = ["unshare", "--user", "--map-root-user", "--mount"]
PERMITTED = (
    shutil.which("unshare")
    and not subprocess.run(
        [*NAMESPACES, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False
    ).returncode
)
pytestmark = [
    pytest.mark.workflow,
    pytest.mark.skipif(not PERMITTED, reason="this system lets nobody mount a disk of its own"),
]
MOUNTS = {
    "full": (
        "cp -a results kept; mount -t tmpfs -o size=$(($(du -sk kept | cut -f1) + 1024))k tmpfs results; "
        "cp -a kept/. results; rm -r kept; cat /dev/zero > results/filler 2> /dev/null || true"
    ),
    "read-only": "mount --bind results results; mount -o remount,bind,ro results",
}
SAID = {"full": "no space left on the device", "read-only": "Read-only file system"}
STAGES = ("train --subject toy", "explain --task attribution.toytask --threads 2", "publish")


@pytest.mark.parametrize("disk", MOUNTS)
def test_a_stage_says_so_and_the_next_run_goes_on(tree: Tree, disk: str) -> None:
    write_profile(tree, methods={"attribution/gated": {"scale": 3.0}}, draws=12)
    for command in STAGES:
        program = f"{sys.executable} -m benchmark {command} --profile small.yaml"
        answer = subprocess.run(
            [*NAMESPACES, "sh", "-c", f"set -e; {MOUNTS[disk]}; exec {program}"],
            cwd=tree.folder, env=tree.environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        output = answer.stdout + answer.stderr
        assert "Traceback" not in output, output
        assert answer.returncode in (0, 1), output
        assert answer.returncode == 0 or SAID[disk] in output, output
    assert counts(tree.snakemake()) == ALL | {"computed": SEEDS, "reused": SEEDS * 3}
