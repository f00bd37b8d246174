"""Files on disk: whole or absent, and what was altered is named."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.artifacts import (
    FileRecord,
    TensorFile,
    record,
    sha256,
    write_atomically,
    write_bytes,
    write_tensors,
)
from benchmark.errors import DamagedArtifactError, TouchstoneError

DTYPES = (torch.float32, torch.float64, torch.float16, torch.int64, torch.int32, torch.uint8, torch.bool)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(lambda n: n != "__metadata__")
SHAPES = st.lists(st.integers(0, 4), max_size=3)


@st.composite
def tensors(draw: st.DrawFn) -> dict[str, torch.Tensor]:
    made = {}
    for name in draw(st.lists(NAMES, max_size=4, unique=True)):
        generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
        values = torch.randn(draw(SHAPES), generator=generator) * 100
        made[name] = values.to(draw(st.sampled_from(DTYPES)))
    return made


@given(tensors())
@settings(max_examples=50, deadline=None)
def test_tensors_come_back_as_they_were(given_tensors: dict[str, torch.Tensor]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "deep" / "file.safetensors"
        assert write_tensors(path, given_tensors) == record(path)
        read = TensorFile(path)
        assert set(read) == set(given_tensors)
        assert len(read) == len(given_tensors)
        for name, tensor in given_tensors.items():
            assert read[name].dtype == tensor.dtype
            assert torch.equal(read[name], tensor)
        assert [p.name for p in path.parent.iterdir()] == ["file.safetensors"]


def test_views_and_gradients_are_written_as_values(tmp_path: Path) -> None:
    base = torch.arange(12.0).reshape(3, 4).requires_grad_()
    path = tmp_path / "f.safetensors"
    write_tensors(path, {"turned": base.T, "row": base[1], "same": base})
    read = TensorFile(path)
    assert torch.equal(read["turned"], base.detach().T)
    assert torch.equal(read["row"], base[1].detach())
    assert not read["same"].requires_grad


def test_an_absent_tensor_is_named_with_those_available(tmp_path: Path) -> None:
    write_tensors(tmp_path / "f", {"left": torch.ones(1), "right": torch.ones(1)})
    with pytest.raises(KeyError, match=r"no tensor 'middle'; available: left, right"):
        TensorFile(tmp_path / "f")["middle"]


def test_the_same_content_makes_the_same_file(tmp_path: Path) -> None:
    first = write_tensors(tmp_path / "3", {"x": torch.ones(2), "y": torch.zeros(3)})
    second = write_tensors(tmp_path / "4", {"y": torch.zeros(3), "x": torch.ones(2)})
    assert first.sha256 == second.sha256


@given(st.binary(min_size=1, max_size=200), st.data())
@settings(max_examples=100, deadline=None)
def test_any_change_of_a_file_is_noticed_and_named(content: bytes, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        expected = write_bytes(path, content)
        expected.compare(path)
        if data.draw(st.booleans()):
            changed = content[: data.draw(st.integers(0, len(content) - 1))]
        else:
            position = data.draw(st.integers(0, len(content) - 1))
            other = bytes([content[position] ^ data.draw(st.integers(1, 255))])
            changed = content[:position] + other + content[position + 1 :]
        path.write_bytes(changed)
        with pytest.raises(DamagedArtifactError, match="file is damaged"):
            expected.compare(path, by_checksum=True)


def test_a_truncated_tensor_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    expected = write_tensors(path, {"w": torch.ones(100)})
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(DamagedArtifactError, match=r"weights\.safetensors is damaged: 50 bytes instead of"):
        expected.compare(path)
    with pytest.raises(DamagedArtifactError, match=r"weights\.safetensors is damaged"):
        TensorFile(path)


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DamagedArtifactError, match=r"absent is missing"):
        FileRecord(sha256="", bytes=1, mtime_ns=0).compare(tmp_path / "absent")
    with pytest.raises(DamagedArtifactError, match="absent"):
        TensorFile(tmp_path / "absent")


def test_times_are_trusted_and_a_touched_file_is_hashed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    expected = write_bytes(path, b"content")
    path.write_bytes(b"kontent")
    os.utime(path, ns=(expected.mtime_ns, expected.mtime_ns))
    expected.compare(path)
    with pytest.raises(DamagedArtifactError, match="its checksum"):
        expected.compare(path, by_checksum=True)
    path.write_bytes(b"content")
    os.utime(path, (1, 1))
    expected.compare(path)


def test_a_folder_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    program = (
        "import os, pathlib, sys\nfrom benchmark.artifacts import write_bytes\n"
        "from benchmark.errors import TouchstoneError\nos.setuid(65534)\n"
        "try:\n    write_bytes(pathlib.Path(sys.argv[1], 'file'), b'x')\n"
        "except TouchstoneError as error:\n    print(error)\n"
    )
    if os.getuid() != 0:
        pytest.skip("only root can become somebody else")
    tmp_path.chmod(0o555)
    ended = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, capture_output=True, text=True)
    assert "file cannot be written (Permission denied): give this user the right to write to" in ended.stdout


def test_a_failing_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_bytes(path, b"old")

    def stumble(temporary: Path) -> None:
        temporary.write_bytes(b"half of the n")
        raise ValueError("stumbled")

    with pytest.raises(ValueError, match="stumbled"):
        write_atomically(path, stumble)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_writer_killed_in_the_middle_leaves_the_old_file(tmp_path: Path) -> None:
    program = (
        "import os, pathlib, sys\n"
        "from benchmark.artifacts import write_atomically\n"
        "def write(path):\n    path.write_bytes(b'half')\n    os.kill(os.getpid(), 9)\n"
        "write_atomically(pathlib.Path(sys.argv[1]), write)\n"
    )
    path = tmp_path / "file"
    write_bytes(path, b"old")
    ended = subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"


FULL = """
import errno, pathlib, sys
import torch
from benchmark.artifacts import write_bytes, write_tensors
from benchmark.errors import TouchstoneError
folder = pathlib.Path(sys.argv[1])
write_bytes(folder / "old", b"old")
large = {
    "bytes": lambda path: write_bytes(path, b"x" * 4_000_000),
    "tensors": lambda path: write_tensors(path, {"x": torch.ones(1_000_000)}),
}
for name, write in large.items():
    for file in ("new", "old"):
        try:
            write(folder / file)
        except TouchstoneError as error:
            assert "no space left" in str(error) and str(folder / file) in str(error), error
            print(name, file)
assert (folder / "old").read_bytes() == b"old"
assert [p.name for p in folder.iterdir()] == ["old"], list(folder.iterdir())
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> object:
    """A disk of one megabyte (a tmpfs, which only root may mount)."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("only root can mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_explained_and_loses_nothing(small_disk: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", FULL, str(small_disk)], check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split("\n")[:-1] == [
        f"{name} {file}" for name in ("bytes", "tensors") for file in ("new", "old")
    ]


def test_a_file_size_limit_is_explained_and_loses_nothing(tmp_path: Path) -> None:
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    ended = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], check=False, capture_output=True, text=True, preexec_fn=limit
    )
    assert ended.returncode == 0, ended.stderr
    assert len(ended.stdout.splitlines()) == 4


def test_other_errors_of_the_system_stay_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OSError) as caught:
        write_bytes(tmp_path / "file" / "below", b"x")
    assert not isinstance(caught.value, TouchstoneError)


def test_the_checksum_is_that_of_the_standard_tool(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"abc")
    assert sha256(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert record(path).bytes == 3
