"""A confined child: it works, and none of the ways out that we know leads out."""

from __future__ import annotations

import ctypes
import encodings.idna
import importlib
import json
import mmap
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmark import confinement as module
from benchmark import isolation
from benchmark.confinement import Confinement, protection, readable
from benchmark.isolation import Ending, Message, Send, run_isolated

assert encodings.idna  # sockets ask for it, and another user may not read where Python lies
LIBC = ctypes.CDLL(None, use_errno=True)
SECRET = "the planted truth"


@dataclass(frozen=True)
class World:
    """What lies around a confined child."""

    project: Path
    victim: int
    port: int
    datagrams: int
    name: str
    opened: int

    @property
    def secret(self) -> Path:
        return self.project / "results" / "scores" / "secret.txt"

    @property
    def code(self) -> Path:
        return self.project / "methods" / "one.py"

    @property
    def socket(self) -> Path:
        return self.project / "socket"

    @property
    def confinement(self) -> Confinement:
        return Confinement(hidden=[self.project / "results", self.project / "leaderboard"])


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    project = Path(tempfile.mkdtemp(prefix="project-", dir="/tmp"))
    for folder in ("results/scores", "leaderboard", "methods"):
        (project / folder).mkdir(parents=True)
    (project / "results/scores/secret.txt").write_text(SECRET)
    (project / "methods/one.py").write_text("ANSWER = 42\n")
    (project / "link").symlink_to("results")
    victim = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"], env={"KEY": SECRET}, cwd=project)
    tcp, local, abstract = (
        socket.create_server(("127.0.0.1", 0)),
        socket.socket(socket.AF_UNIX),
        socket.socket(socket.AF_UNIX),
    )
    udp, log = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    local.bind(str(project / "socket"))
    log.bind(str(project / "log"))
    abstract.bind(f"\0{project.name}")
    for each in (local, abstract):
        each.listen()
    with (project / "results/scores/secret.txt").open("r+") as opened:
        yield World(
            project, victim.pid, tcp.getsockname()[1], udp.getsockname()[1], f"\0{project.name}", opened.fileno()
        )
    victim.kill()
    victim.wait()
    for each in (tcp, local, abstract, udp, log):
        each.close()
    shutil.rmtree(project)


@pytest.fixture(params=["everything", "no namespaces", "no landlock"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A whole system, and ones that lack a part."""
    if request.param == "no namespaces":
        monkeypatch.setattr(isolation, "namespaces", lambda: False)
    if request.param == "no landlock":
        monkeypatch.setattr(module, "landlock", lambda: 0)
    return str(request.param)


def answer(confinement: Confinement, function: Callable[[], Any]) -> Any:
    """What a function returns in a confined child."""
    messages = [
        message for _, message in run_isolated([lambda send: send({"got": function()})], confinement=confinement)
    ]
    assert isinstance(messages[-1], Ending)
    assert messages[-1].status == "ok", messages[-1]
    assert isinstance(messages[0], Message)
    return messages[0].header["got"]


def called(result: int) -> int:
    """The result of a C function, or the error it stands for."""
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


# Ways to read what is hidden


def read(path: Path) -> str:
    return path.read_text()


def hard_link(world: World) -> None:
    os.link(world.secret, "stolen")
    assert read(Path("stolen")) == SECRET


def symbolic_link(world: World) -> None:
    Path("stolen").symlink_to(world.secret)
    assert read(Path("stolen")) == SECRET


def rename_out(world: World) -> None:
    world.secret.rename("stolen")


def rename_folder(world: World) -> None:
    (world.project / "results").rename(world.project / "open")


def inherited(world: World) -> None:
    assert os.pread(world.opened, 100, 0).decode() == SECRET


def map_inherited(world: World) -> None:
    assert mmap.mmap(world.opened, len(SECRET))[:] == SECRET.encode()


def of_process(what: str) -> Callable[[World], None]:
    def look(world: World) -> None:
        for process in (world.victim, os.getppid(), 1, "self"):
            path = Path(f"/proc/{process}/{what}/{world.secret}")
            try:
                read(path if what == "root" else Path(f"/proc/{process}/cwd/results/scores/secret.txt"))
            except OSError:
                continue
            return
        raise PermissionError

    return look


def change_root(world: World) -> None:
    os.chroot(world.project)


def unmount(world: World) -> None:
    called(LIBC.umount2(str(world.project / "results").encode(), 2))
    raise AssertionError("unmounted")


def mount(world: World) -> None:
    called(LIBC.mount(str(world.project).encode(), b".", None, ctypes.c_ulong(4096), None))


def mount_in_own_namespace(world: World) -> None:
    called(LIBC.unshare(0x10000000 | 0x00020000))
    for path in (world.project / "results", "/"):
        LIBC.umount2(str(path).encode(), 2)
        LIBC.mount(None, str(path).encode(), None, ctypes.c_ulong(32 | 4096), None)
    assert read(world.secret) == SECRET


def disk(world: World) -> None:
    for device in Path("/dev").iterdir():
        if device.is_block_device() and not device.name.startswith(("loop", "ram")):
            device.open("rb").close()
            return
    raise PermissionError


def in_a_child(world: World) -> None:
    subprocess.run(["cat", world.secret], check=True, capture_output=True)


def setuid_program(world: World) -> None:
    subprocess.run(["su", "-c", f"cat {world.secret}"], check=True, capture_output=True, stdin=subprocess.DEVNULL)


READS: dict[str, Callable[[World], Any]] = {
    "read": lambda world: read(world.secret),
    "read by a link": lambda world: read(world.project / "link" / "scores" / "secret.txt"),
    "list": lambda world: [next((world.project / "results").iterdir())],
    "walk": lambda world: next(path for path in world.project.rglob("*") if path.name == "secret.txt"),
    "from within": lambda world: (os.chdir(world.secret.parent), read(Path("secret.txt"))),
    "hard link": hard_link,
    "symbolic link": symbolic_link,
    "rename out": rename_out,
    "rename folder": rename_folder,
    "inherited": inherited,
    "map inherited": map_inherited,
    "/proc/../root": of_process("root"),
    "/proc/../cwd": of_process("cwd"),
    "chroot": change_root,
    "unmount": unmount,
    "mount": mount,
    "mount in a namespace": mount_in_own_namespace,
    "disk": disk,
    "in a child": in_a_child,
    "setuid program": setuid_program,
}

# Ways to write


WRITES: dict[str, Callable[[World], Any]] = {
    "overwrite": lambda world: world.code.write_text("ANSWER = 43"),
    "append": lambda world: world.code.open("a"),
    "truncate": lambda world: os.truncate(world.code, 0),
    "create": lambda world: (world.project / "new").write_text(""),
    "create beside": lambda _world: (Path.cwd().parent / "new").write_text(""),
    "create in /tmp": lambda _world: Path("/tmp/touchstone-escaped").write_text(""),
    "make a folder": lambda world: (world.project / "methods" / "new").mkdir(),
    "link into": lambda world: (world.project / "methods" / "new").symlink_to("/"),
    "hard link, then write": lambda world: (os.link(world.code, "code"), Path("code").write_text("")),
    "remove": lambda world: world.code.unlink(),
    "remove folder": lambda world: (world.project / "leaderboard").rmdir(),
    "rename over": lambda world: (Path("mine").write_text("ANSWER = 43"), Path("mine").rename(world.code)),
    "rename away": lambda world: world.code.rename("code"),
    "into hidden": lambda world: (world.project / "results" / "forged").write_text(""),
    "by a link": lambda world: (Path("code").symlink_to(world.code), Path("code").write_text("")),
    "by a folder's link": lambda world: (Path("all").symlink_to("/"), Path(f"all{world.code}").write_text("")),
    "inherited": lambda world: os.pwrite(world.opened, b"x", 0),
    "settings of the kernel": lambda _world: Path("/proc/sys/kernel/core_pattern").write_text("|/bin/false"),
}

METADATA: dict[str, Callable[[World], Any]] = {
    "mode": lambda world: world.code.chmod(0o600),
    "time": lambda world: os.utime(world.code, (0, 0)),
    "owner": lambda world: os.chown(world.code, os.getuid(), os.getgid()),
    "attribute": lambda world: os.setxattr(world.code, "user.touchstone", b"1"),
}

# Ways to others


def tcp(world: World) -> None:
    socket.create_connection(("127.0.0.1", world.port), timeout=10)


def listen(world: World) -> None:
    socket.create_server(("127.0.0.1", 0))


def udp(world: World) -> None:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", world.datagrams))


def unix(world: World) -> None:
    socket.socket(socket.AF_UNIX).connect(str(world.socket))


def unix_abstract(world: World) -> None:
    socket.socket(socket.AF_UNIX).connect(world.name)


def unix_datagram(world: World) -> None:
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"x", str(world.project / "log"))


def unix_raw(world: World) -> None:
    socket.socket(socket.AF_UNIX, socket.SOCK_RAW).sendto(b"x", str(world.project / "log"))


def unix_pair(world: World) -> None:
    socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b"x", str(world.project / "log"))


def vsock(world: World) -> None:
    socket.socket(socket.AF_VSOCK)


def io_uring(world: World) -> None:
    called(LIBC.syscall(425, 8, ctypes.create_string_buffer(256)))


NETWORK = {
    each.__name__: each
    for each in (tcp, listen, udp, unix, unix_abstract, unix_datagram, unix_raw, unix_pair, vsock, io_uring)
}


def outside(world: World) -> list[int]:
    """The processes outside, by their numbers there; a number of its own inside is none of them."""
    return [process for process in (world.victim, PARENT) if process != os.getpid()]


PARENT = os.getpid()


def signals(world: World) -> None:
    for process in outside(world):
        os.kill(process, 0)


def looks_at(what: str) -> Callable[[World], Any]:
    def look(world: World) -> None:
        path = Path(f"/proc/{world.victim}/{what}")
        [each.readlink() for each in path.iterdir()] if what == "fd" else path.open("rb").read(10)

    return look


def traces(world: World) -> None:
    called(LIBC.ptrace(16, world.victim, None, None))


def reads_memory(world: World) -> None:
    class Vector(ctypes.Structure):
        _fields_ = (("base", ctypes.c_void_p), ("size", ctypes.c_size_t))

    target = ctypes.create_string_buffer(8)
    mine, theirs = Vector(ctypes.addressof(target), 8), Vector(id(world), 8)  # the parent has it where the child does
    called(LIBC.process_vm_readv(PARENT, ctypes.byref(mine), 1, ctypes.byref(theirs), 1, 0))


def takes_descriptor(world: World) -> None:
    process = called(LIBC.syscall(434, PARENT, 0))
    called(LIBC.syscall(438, process, world.opened, 0))


OTHERS = {
    "signal": signals,
    "environ": looks_at("environ"),
    "memory": looks_at("mem"),
    "maps": looks_at("maps"),
    "descriptors": looks_at("fd"),
    "ptrace": traces,
    "process_vm_readv": reads_memory,
    "pidfd_getfd": takes_descriptor,
    "shared memory": lambda _world: called(LIBC.shmget(0, 4096, 0o1600)),
}


def tried(world: World, way: Callable[[World], Any]) -> str:
    """How a way out ended in a confined child: what stood against it, or `open`."""

    def attempt() -> str:
        try:
            way(world)
        except (OSError, subprocess.CalledProcessError, StopIteration, AssertionError) as error:
            return type(error).__name__
        return "open"

    return str(answer(world.confinement, attempt))


@pytest.mark.parametrize("name", READS)
def test_what_is_hidden_cannot_be_read(name: str, system: str, world: World) -> None:
    if name == "disk" and system == "no landlock":
        pytest.skip("protection() says so: only Landlock tells devices apart")
    assert tried(world, READS[name]) != "open"
    assert world.secret.read_text() == SECRET


@pytest.mark.parametrize("name", WRITES)
def test_nothing_else_can_be_written(name: str, system: str, world: World) -> None:
    before = sorted(world.project.rglob("*"))
    assert tried(world, WRITES[name]) != "open"
    assert sorted(world.project.rglob("*")) == before
    assert world.code.read_text() == "ANSWER = 42\n"
    assert not Path("/tmp/touchstone-escaped").exists()


@pytest.mark.parametrize("name", METADATA)
def test_modes_and_times_cannot_be_changed(name: str, system: str, world: World) -> None:
    if system == "no namespaces":
        pytest.skip("protection() says so: Landlock does not cover them")
    before = world.code.stat()
    assert tried(world, METADATA[name]) != "open"
    assert world.code.stat()[:9] == before[:9]


@pytest.mark.parametrize("name", NETWORK)
def test_the_network_cannot_be_reached(name: str, system: str, world: World) -> None:
    assert tried(world, NETWORK[name]) != "open"


@pytest.mark.parametrize("name", OTHERS)
def test_other_processes_cannot_be_touched(name: str, system: str, world: World) -> None:
    assert tried(world, OTHERS[name]) != "open"


@pytest.mark.parametrize(
    "way",
    [READS["read"], READS["list"], READS["walk"], READS["hard link"], READS["symbolic link"], READS["/proc/../cwd"]]
    + [READS["/proc/../root"], READS["in a child"], WRITES["append"], METADATA["owner"]]
    + [each for name, each in NETWORK.items() if name not in ("vsock", "io_uring")]
    + [OTHERS["environ"], OTHERS["descriptors"], OTHERS["maps"], OTHERS["shared memory"]],
)
def test_the_ways_would_lead_out(way: Callable[[World], Any], world: World, tmp_path: Path) -> None:
    """Without a confinement these succeed, so that their failing says something."""
    child = os.fork()
    if child == 0:
        try:
            os.chdir(tmp_path)
            way(world)
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


# What a confined child can do


def test_it_has_a_folder_of_its_own_that_is_removed(system: str, world: World) -> None:
    def works() -> list[str]:
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("scratch")
        Path("deep/er").mkdir(parents=True)
        Path("deep/er/file").write_text("x")
        Path("deep/er/file").rename("file")
        Path("deep").chmod(0)
        return [str(Path.cwd()), tempfile.gettempdir(), os.environ["TMPDIR"], Path("file").read_text()]

    folder, *others, text = answer(world.confinement, works)
    assert set(others) == {folder}
    assert text == "x"
    assert not Path(folder).parent.exists()


def test_a_folder_of_endless_depth_is_removed(world: World) -> None:
    def digs() -> str:
        top = Path.cwd()
        for _ in range(3000):
            Path("d").mkdir()
            os.chdir("d")
        return str(top)

    assert not Path(answer(world.confinement, digs)).parent.exists()


def test_jobs_do_not_see_each_others_folders(system: str, world: World) -> None:
    def writes(send: Send) -> None:
        Path("explanation").write_text("mine")
        send({"folder": str(Path.cwd())})
        time.sleep(600)

    def spies(send: Send) -> None:
        send({"seen": [str(path) for path in Path.cwd().parent.parent.glob("touchstone-*/*/explanation")]})

    jobs: list[Any] = [writes]
    running = run_isolated(jobs, workers=2, confinement=world.confinement)
    for _, message in running:
        assert isinstance(message, Message), message
        if "folder" in message.header:
            jobs.append(spies)
        else:
            assert message.header["seen"] == []
            break
    running.close()


def test_a_named_folder_can_be_written_even_in_a_hidden_one(system: str, world: World) -> None:
    folder = world.project / "results" / "writable"
    folder.mkdir()
    try:
        confinement = Confinement(hidden=world.confinement.hidden, writable=[folder])
        assert answer(confinement, lambda: (folder / "kept").write_text("kept")) == 4
        assert (folder / "kept").read_text() == "kept"
    finally:
        shutil.rmtree(folder)


def test_what_hides_below_a_writable_folder_is_refused(world: World) -> None:
    ((_, end),) = run_isolated(
        [lambda _send: None], confinement=Confinement([world.project / "results"], [world.project])
    )
    assert isinstance(end, Ending)
    assert "expected nothing hidden within what is writable" in end.reason


def test_a_hidden_folder_that_comes_later_is_hidden(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "namespaces", lambda: False)
    late = world.project / "late"

    def job(send: Send) -> None:
        send({"ready": True})
        while not late.exists():
            time.sleep(0.05)
        try:
            send({"got": (late / "secret").read_text()})
        except PermissionError:
            send({"got": None})

    confinement = Confinement(hidden=[late])
    try:
        for _, message in run_isolated([job], confinement=confinement):
            if isinstance(message, Message) and "ready" in message.header:
                (world.project / "coming").mkdir()
                (world.project / "coming" / "secret").write_text(SECRET)
                (world.project / "coming").rename(late)
            elif isinstance(message, Message):
                assert message.header["got"] is None
            else:
                assert message.status == "ok", message
    finally:
        shutil.rmtree(late)


def test_imports_numerics_and_programs_go_on_working(system: str, world: World) -> None:
    def works() -> list[Any]:
        sys.path.append(str(world.project / "methods"))
        one = importlib.import_module("one")
        wave = importlib.import_module("wave")  # of the standard library, not imported before
        told = subprocess.run([sys.executable, "-c", "print(6 * 7)"], check=True, capture_output=True, text=True).stdout
        weight = torch.ones(200, 200, requires_grad=True)
        (weight @ weight).sum().backward()
        with Path("/dev/null").open("w") as nothing, Path("/dev/urandom").open("rb") as noise:
            nothing.write(str(noise.read(4)))
        own = Path("/proc/self/status").read_text().count(f"Pid:\t{os.getpid()}\n")
        return [one.ANSWER, wave.__name__, told, float(weight.grad.sum()), own]

    assert answer(world.confinement, works) == [42, "wave", "42\n", 2 * 200.0**3, 1]


def test_libraries_that_cannot_keep_a_cache_do_not_crash(system: str, world: World) -> None:
    numba = pytest.importorskip("numba")
    pytest.importorskip("matplotlib")
    path = world.project / "methods" / "kept.py"
    path.write_text("import numba\n@numba.njit(cache=True)\ndef double(x):\n    return 2 * x\n")
    sys.path.append(str(path.parent))
    try:
        kept = importlib.import_module("kept")

        def works() -> list[Any]:
            import matplotlib

            matplotlib.use("agg")
            from matplotlib import pyplot

            pyplot.plot([1, 2])
            pyplot.savefig("figure.png")
            new = numba.njit(lambda x: x + 1)
            return [kept.double(21), new(1), Path("figure.png").exists()]

        assert answer(world.confinement, works) == [42, 2, True]
    finally:
        sys.path.remove(str(path.parent))
        del sys.modules["kept"]


def test_shared_memory_works_and_is_its_own(world: World) -> None:
    before = set(Path("/dev/shm").iterdir())

    def works() -> float:
        tensor = torch.ones(10).share_memory_()
        Path("/dev/shm/touchstone-left").write_text("left")
        return float(tensor.sum())

    assert answer(world.confinement, works) == 10
    if not protection():
        assert set(Path("/dev/shm").iterdir()) == before


def test_it_may_signal_trace_and_read_its_own(system: str, world: World) -> None:
    def works() -> list[Any]:
        child = subprocess.Popen(["sleep", "600"])
        deadline = time.monotonic() + 60  # empty until the kernel has laid out the new program
        while not (environment := Path(f"/proc/{child.pid}/environ").read_bytes()) and time.monotonic() < deadline:
            time.sleep(0.01)
        child.terminate()
        return [child.wait(), bool(environment)]

    assert answer(world.confinement, works) == [-signal.SIGTERM, True]


def test_the_network_can_be_granted(system: str, world: World) -> None:
    def works() -> bool:
        tcp(world)
        udp(world)
        return True

    confinement = Confinement(hidden=world.confinement.hidden, network=True)
    assert answer(confinement, works)


def test_it_is_the_same_without_being_root(system: str, world: World) -> None:
    """The same ways as another user, who owns all the files."""
    if os.getuid() != 0:
        pytest.skip("the other tests have shown it")
    for path in (world.project, *world.project.rglob("*")):
        os.chown(path, 65534, 65534, follow_symlinks=False)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            LIBC.prctl(4, 1, 0, 0, 0)  # as a process that was never root
            tempfile.tempdir = "/tmp"
            found = {"user": str(answer(world.confinement, os.getuid))}
            for kind, ways in {"read": READS, "write": WRITES, "change": METADATA, "reach": NETWORK | OTHERS}.items():
                if (kind, system) != ("change", "no namespaces"):
                    found |= {f"{kind}: {name}": tried(world, way) for name, way in ways.items()}
            os.write(writing, json.dumps(found).encode())
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as stream:
        found = json.loads(stream.read() or "{}")
    os.waitpid(child, 0)
    for path in (world.project, *world.project.rglob("*")):
        os.chown(path, 0, 0, follow_symlinks=False)
    assert found.pop("user") == "65534"
    assert [name for name, how in found.items() if how == "open"] == []
    assert world.secret.read_text() == SECRET
    assert world.code.read_text() == "ANSWER = 42\n"


# What the system offers


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    protection.cache_clear()
    monkeypatch.setattr(module, "seccomp", lambda: True)
    monkeypatch.setattr(module, "namespaces", lambda: True)
    monkeypatch.setattr(module, "landlock", lambda: 7)
    assert protection() == ""
    protection.cache_clear()
    monkeypatch.setattr(module, "namespaces", lambda: False)
    assert "lacks namespaces" in protection()
    assert "change modes and times" in protection()
    protection.cache_clear()
    monkeypatch.setattr(module, "landlock", lambda: 0)
    monkeypatch.setattr(module, "seccomp", lambda: False)
    for words in ("Landlock, namespaces, seccomp", "read and write what its user can", "reach the network"):
        assert words in protection()
    protection.cache_clear()


def test_with_nothing_at_all_a_job_still_runs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "namespaces", lambda: False)
    monkeypatch.setattr(module, "landlock", lambda: 0)
    monkeypatch.setattr(module, "seccomp", lambda: False)
    assert answer(world.confinement, lambda: 42) == 42


def test_the_largest_trees_hold_nothing_hidden(world: World) -> None:
    hidden = [world.project / "results", world.project / "leaderboard"]
    trees = list(readable(hidden))
    assert world.project / "methods" in trees
    assert world.project / "link" not in trees, "a link is judged by what it leads to"
    for path in (*hidden, world.secret, Path("/dev/sda")):
        assert not any(path.is_relative_to(tree) for tree in trees)
    for path in (Path(sys.executable), Path(torch.__file__), Path("/proc/self"), Path("/sys")):
        assert any(path.resolve().is_relative_to(tree) for tree in trees)
