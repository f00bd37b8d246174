"""A method's process gets copies of its questions and nothing to make the truth from, whatever it tries."""

from __future__ import annotations

import copy
import dataclasses
import functools
import gc
import math
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from benchmark.confinement import Confinement
from benchmark.errors import InvalidExplanation, TouchstoneError, UnknownNameError
from benchmark.families.description import BlackBox, BudgetExhausted, DescriptionQuestion, Reals
from benchmark.families.dictionary import Dictionary, DictionaryQuestion
from benchmark.families.probing import run_from_layers
from benchmark.isolation import Ending, Message, run_isolated
from benchmark.posing import Poser, PosingError, Session, wire
from benchmark.posing.handover import Remote, is_served, pack, unpack
from benchmark.registry import plugins
from benchmark.runtime import make_deterministic
from benchmark.stages.instances import family_of
from benchmark.subjects import Saved

WAIT = 60.0


class Planted:
    """What makes the truth."""

    def __init__(self) -> None:
        self.slope = float(np.random.default_rng(int.from_bytes(os.urandom(8), "little")).normal())

    def answer(self, x: Any) -> Any:
        return self.slope * np.asarray(x)


def unchecked(posed: Any, plain: dict[str, Any], tensors: dict[str, Any]) -> Any:
    return plain, tensors


def forked(work: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
    """Begin `work` in a forked child; the result waits for what it returns, or for ("error", class, text)."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        try:
            value = work(*arguments)
        except BaseException as error:
            value = ("error", type(error).__name__, str(error))
        try:
            wire.send(theirs, *wire.encode(value))
        finally:
            os._exit(0)
    theirs.close()

    def result() -> Any:
        try:
            return wire.decode(*wire.receive(ours, deadline=time.monotonic() + WAIT))
        finally:
            ours.close()
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    return result


def in_child(work: Callable[..., Any], *arguments: Any) -> Any:
    return forked(work, *arguments)()


def posed_by(pose: Callable[..., Any], work: Callable[[Session], Any], check: Any = unchecked) -> Any:
    """What a child makes of a session whose questions come from `pose(request, number)`."""
    with Poser(pose, check) as poser, poser.session({"seed": 0}) as session:
        return in_child(work, session)


def gone(pid: int) -> bool:
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


# ---- the copy


def copied(posed: Any) -> tuple[Any, list[Any]]:
    """A question packed and unpacked here, and the functions that would be served."""
    functions: list[Any] = []

    def serve(function: Any) -> int:
        functions.append(function)
        return len(functions) - 1

    body, buffers = pack(posed, serve)
    return unpack(
        body, [buffer.copy() for buffer in buffers], lambda number: Remote(lambda *_: None, number)
    ), functions


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)
        self.second.weight = self.first.weight
        self.frozen = nn.Parameter(torch.ones(2), requires_grad=False)
        self.register_buffer("mean", torch.arange(3.0))
        self.act = torch.tanh

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.act(self.second(self.first(x)))


def test_a_model_arrives_with_its_ties_buffers_and_flags() -> None:
    model = Tied().eval()
    arrived, functions = copied({"model": model, "weight": model.first.weight})
    other = arrived["model"]
    assert not functions
    assert other.second.weight is other.first.weight is arrived["weight"]
    assert isinstance(other.first.weight, nn.Parameter)
    assert (other.first.weight.requires_grad, other.frozen.requires_grad, other.training) == (True, False, False)
    x = torch.randn(5, 4)
    assert torch.equal(other(x), model(x))
    assert [name for name, _ in other.named_buffers()] == ["mean"]
    with torch.no_grad():
        other.first.weight.zero_()
    assert model.first.weight.abs().sum() > 0


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.bool, torch.int8, torch.float16, torch.complex64, torch.int64])
def test_tensors_of_every_type_arrive(dtype: torch.dtype) -> None:
    tensor = torch.arange(24).reshape(4, 6).to(dtype)
    views = [tensor, tensor.T, tensor[1:3, ::2], tensor[:1].expand(5, -1), tensor[0, 0], tensor[:0], tensor.flip(0)]
    arrived, _ = copied(views)
    for got, sent in zip(arrived, views, strict=True):
        assert got.dtype == sent.dtype
        assert got.stride() == sent.stride()
        assert torch.equal(got, sent)
    arrived[0].zero_()
    assert not arrived[2].any(), "what shared its memory shares it still"


def test_a_graph_and_gradients_stay_behind() -> None:
    leaf = torch.ones(3, requires_grad=True)
    result = leaf * 2
    result.sum().backward()
    (got_leaf, got_result), _ = copied([leaf, result])
    assert (got_leaf.requires_grad, got_leaf.grad, got_result.requires_grad) == (True, None, False)
    assert got_result.tolist() == [2.0, 2.0, 2.0]


def test_arrays_arrive() -> None:
    base = np.arange(24.0).reshape(4, 6)
    arrays = [base, np.asfortranarray(base), base[:, ::2], base[0, 0], np.array(2.0), np.array(["ab", "c"]), base > 3]
    arrays += [np.empty((0, 3)), np.array([(1, 2.0)], dtype="i4,f8"), np.float32(3)]
    arrived, _ = copied(arrays)
    for got, sent in zip(arrived, arrays, strict=True):
        assert got.dtype == sent.dtype
        np.testing.assert_array_equal(got, sent)
    arrived[0][:] = 0
    assert base.sum() > 0


def test_memory_that_a_slice_does_not_show_stays_behind() -> None:
    secret = 7777.0
    hidden = torch.full((6, 8), secret)
    hidden[:3, :5] = torch.arange(15.0).reshape(3, 5)
    rows = torch.full((10, 2), secret)
    rows[2:4], rows[6:7] = 1.0, 2.0
    array = np.full((6, 4), secret)
    array[:, 1:3] = 5
    posed = {"block": hidden[:3, :5], "rows": rows[2:4], "others": rows[6:7], "array": array[:, 1:3]}
    body, buffers = pack(posed, lambda _: 0)
    for buffer in buffers:
        assert struct.pack("f", secret) not in buffer.tobytes()
        assert struct.pack("d", secret) not in buffer.tobytes()
    arrived = unpack(body, buffers, lambda _: None)
    assert all(np.array_equal(arrived[key], posed[key]) for key in posed)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5)), max_size=3), st.integers(0, 7), st.integers(0, 7))
def test_any_view_arrives(layout: list[tuple[int, int]], offset: int, other: int) -> None:
    shape, stride = [n for n, _ in layout], [step for _, step in layout]
    memory = torch.arange(100, dtype=torch.int32)
    views = [memory.as_strided(shape, stride, offset), memory[other : other + 4].view(torch.uint8)]
    arrived, _ = copied(views)
    assert all(torch.equal(got, sent) and got.dtype == sent.dtype for got, sent in zip(arrived, views, strict=True))


@pytest.mark.parametrize("start", [0, 1, 3, 16])
def test_memory_keeps_its_place_in_a_cache_line(start: int) -> None:
    tensor = torch.randn(1000)[start:]
    connections = socket.socketpair()
    wire.send(connections[0], *pack(tensor, lambda _: 0))
    arrived = unpack(*wire.receive(connections[1]), lambda _: None)
    assert torch.equal(arrived, tensor)
    assert arrived.data_ptr() % wire.LINE == tensor.data_ptr() % wire.LINE


def top_level() -> None:
    """A function that an import finds."""


@functools.cache
def cached() -> None:
    """Another one."""


@dataclasses.dataclass
class Holder:
    part: Any

    def get(self) -> Any:
        return self.part


class Callable_:
    def __call__(self) -> int:
        return 3

    @classmethod
    def made(cls) -> Any:
        return cls()


@pytest.mark.parametrize("value", [top_level, cached, Callable_, Callable_.made, nn.ReLU(), np.sin, torch.tanh,
                                   math.sin, nn.functional.gelu, 3, "x", torch.ones(2)])  # fmt: skip
def test_what_an_import_finds_is_copied(value: Any) -> None:
    assert not is_served(value)
    copied(value)


@pytest.mark.parametrize("value", [lambda: 0, functools.partial(top_level), Holder(3).get, Callable_(), [].append])
def test_functions_that_hold_something_are_served(value: Any) -> None:
    assert is_served(value)
    arrived, functions = copied({"f": value, "again": value})
    assert isinstance(arrived["f"], Remote)
    assert functions[0] is value
    assert copy.deepcopy(arrived["f"]) is arrived["f"]


def refused() -> dict[str, Any]:
    class Local:
        pass

    loaded = plugins().find("task", "blockmnist", "attribution").load()
    return {
        "Holder.part['x'][1] is a TextIOWrapper": Holder({"x": [1, sys.__stdin__]}),
        "Holder.part is the class refused.<locals>.Local": Holder(Local),
        "Holder.part is a refused.<locals>.Local": Holder(Local()),
        "Holder.part is a Saved": Holder(Saved(None, 0, torch.device("cpu"), {}, {})),
        "Holder.part is a BlockMnistTask": Holder(loaded()),
        "Holder.part is a Tensor (got Tensor, torch.sparse_coo": Holder(torch.eye(2).to_sparse()),
        "Holder.part is a Tensor (got Tensor, torch.strided, on meta": Holder(torch.empty(2, device="meta")),
        "Holder.part is a UntypedStorage": Holder(torch.ones(2).untyped_storage()),
    }


@pytest.mark.parametrize("number", range(8))
def test_what_cannot_be_handed_over_is_named(number: int) -> None:
    expected, posed = list(refused().items())[number]
    with pytest.raises(TouchstoneError) as caught:
        pack(posed, lambda _: 0)
    assert expected in str(caught.value)


# ---- what travels back


VALUES = [
    None, True, 3, 2.5, "text \ud800", [1, [2.0]], (1, ("x",)), {"a": {"b": (None,)}}, math.inf, 10**30,
    np.arange(6).reshape(2, 3), np.array(1.5), np.float32(2), np.array(["a", "bc"]), np.zeros((0, 2)), np.array([True]),
    torch.ones(2, 3, dtype=torch.bfloat16), torch.tensor(3), torch.zeros(0, 2), torch.tensor([True, False]),
    torch.arange(6).reshape(2, 3).T,
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=str)
def test_values_travel(value: Any) -> None:
    connections = socket.socketpair()
    wire.send(connections[0], *wire.encode(value))
    got = wire.decode(*wire.receive(connections[1], limit=10_000))
    assert type(got) is type(value)
    if isinstance(value, torch.Tensor):
        assert got.dtype == value.dtype
        assert torch.equal(got, value)
    elif isinstance(value, np.ndarray | np.generic):
        assert got.dtype == value.dtype
        np.testing.assert_array_equal(got, value)
    else:
        assert got == value


@pytest.mark.parametrize("value", [object(), {1: 2}, np.array([None]), top_level, {"a": {3}}, torch.eye(2).to_sparse()])
def test_other_things_do_not_travel(value: Any) -> None:
    with pytest.raises(TouchstoneError, match=r"got .*expected"):
        wire.encode([value])


def test_a_tensor_that_requires_a_gradient_travels_only_where_none_is_asked_for() -> None:
    tensor = torch.ones(2, requires_grad=True)
    with pytest.raises(TouchstoneError, match="gradients do not pass"):
        wire.encode(tensor)
    with torch.no_grad():
        wire.encode(tensor)


def array(**changes: Any) -> dict[str, Any]:
    return {"array": {"number": 0, "type": "<f8", "shape": [1]} | changes}


@pytest.mark.parametrize(
    "body",
    [
        {}, {"a": 1, "b": 2}, {"tuple": 3}, {"dict": []}, {"array": 3}, {"object": {}},
        array(number=1), array(number=-1), array(number=True), array(number="0"),
        array(type="O"), array(type="|O8"), array(type="f8,O"), array(type="<f7"), array(type=None), array(type="<M8"),
        array(shape=[2]), array(shape=[-1]), array(shape=["1"]), array(shape=1), array(shape=[1] * 33),
        array(shape=[2**63, 2**63]), array(type="<U0", shape=[]),
        {"tensor": {"number": 0, "type": "float65", "shape": [1]}},
        {"tensor": {"number": 0, "type": "nn", "shape": [1]}},
        {"scalar": {"number": 0, "type": "<f8", "shape": [1]}},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_value_is_refused(body: Any) -> None:
    with pytest.raises(wire.Malformed, match="got"):
        wire.decode(body, [np.zeros(8, np.uint8)])


def frame(header: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">Q", len(header)) + header + data


FRAMES = [
    b"\xff" * 8,
    frame(b"no JSON"),
    frame(b"\xff\xfe"),
    frame(b"[]"),
    frame(b"[" * 100_000),
    frame(b'{"body": ' + b"1" * 5000 + b', "sizes": [], "places": []}'),
    frame(b'{"body": 1, "sizes": [1e9], "places": [0]}'),
    frame(b'{"body": 1, "sizes": [-1], "places": [0]}', b"x"),
    frame(b'{"body": 1, "sizes": [1], "places": [64]}', b"x"),
    frame(b'{"body": 1, "sizes": [1], "places": []}', b"x"),
    frame(b'{"body": 1, "sizes": [4611686018427387904], "places": [0]}'),
    frame(b'{"body": 1, "sizes": [' + b"0," * 70_000 + b'0], "places": [' + b"0," * 70_000 + b"0]}"),
]


@pytest.mark.parametrize("number", range(len(FRAMES)))
def test_what_is_no_frame_is_refused(number: int) -> None:
    ours, theirs = socket.socketpair()
    sender = forked(lambda: theirs.sendall(FRAMES[number]))
    theirs.close()
    with pytest.raises(wire.Malformed):
        wire.receive(ours, limit=2**30)
    ours.close()
    sender()


def test_truth_values_other_than_0_and_1_become_1() -> None:
    data = np.array([0, 1, 7], np.uint8)
    for kind, name in (("array", "|b1"), ("tensor", "bool")):
        got = wire.decode({kind: {"number": 0, "type": name, "shape": [3]}}, [data.copy()])
        assert np.asarray(got).view(np.uint8).tolist() == [0, 1, 1]


def test_errors_are_told_with_their_class_where_it_is_known() -> None:
    for error in (BudgetExhausted("none left"), InvalidExplanation("bad"), UnknownNameError("layer", "x", ["y"])):
        again = wire.retold(wire.told(error))
        assert type(again) is type(error)
        assert str(again) == str(error)
    again = wire.retold(wire.told(ValueError("three \ud800")))
    assert type(again) is TouchstoneError
    assert str(again) == "ValueError: three \\ud800"
    forged = {"module": "os", "class": "system", "text": "x"}
    assert type(wire.retold(forged)) is TouchstoneError


# ---- sessions

METHODS = {
    "attribution": ("gradient", "occlusion"),
    "description": ("polynomial", "piecewise_search"),
    "dictionary": ("pca", "random_directions"),
    "probing": ("nearest_mean", "linear_probe"),
}


def pose_trivial(request: dict[str, Any], number: int) -> Any:
    return family_of(request["family"]).trivial(number)[0]


def check_trivial(posed: Any, plain: dict[str, Any], tensors: dict[str, Any]) -> Any:
    """What the engine will do in the desk: validate on the true question."""
    if isinstance(posed, DescriptionQuestion):
        raw: Any = list(zip(plain["texts"].split("\n"), plain["programs"].split("\n"), strict=True))
        return split(family_of("description").check(raw, posed))
    if isinstance(posed, DictionaryQuestion):
        codes = [(tensors[f"{rows}_indices"], tensors[f"{rows}_values"]) for rows in ("validation", "test")]
        return split(family_of("dictionary").check(Dictionary(tensors["atoms"], tensors["bias"], *codes), posed))
    family = family_of(type(posed).__module__.rpartition(".")[2])
    return split(family.check(family.explanation(**plain, **tensors), posed))


def split(explanation: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    values = {field.name: getattr(explanation, field.name) for field in dataclasses.fields(explanation)}
    tensors = {name: value for name, value in values.items() if isinstance(value, torch.Tensor)}
    return {name: value for name, value in values.items() if name not in tensors}, tensors


def explained(family: str, name: str, posed: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    make_deterministic(0)
    plugin = plugins().find("method", name, family)
    method, settings = plugin.load(), dict(plugin.defaults)
    if "steps" in settings:
        settings["steps"] = 20
    raw = method([posed], **settings)[0] if plugin.options.get("batched") else method(posed, **settings)
    return split(family_of(family).check(raw, posed))


def same(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    return bool(one == other)


@pytest.mark.parametrize(("family", "name"), [(family, name) for family, names in METHODS.items() for name in names])
def test_a_method_gives_the_same_answer_through_a_session_bit_for_bit(family: str, name: str) -> None:
    plugins().find("method", name, family).load()
    direct = in_child(lambda: explained(family, name, family_of(family).trivial(0)[0]))
    with Poser(pose_trivial, check_trivial) as poser, poser.session({"family": family, "seed": 0}) as session:
        plain, tensors = in_child(lambda: explained(family, name, session.questions[0]))
        checked = session.check(0, plain, tensors)
    assert len(direct[1]) > 0
    assert same(direct[0], plain)
    assert same(direct[1], tensors)
    assert same(direct[0], checked[0])
    assert same(direct[1], checked[1])


def test_a_confined_job_has_its_questions_and_no_other_way_to_its_desk() -> None:
    def job(session: Session, send: Any) -> None:
        (box,) = session.questions[0].boxes
        answers = box.query(np.linspace(-1, 1, 4))
        with pytest.raises(TouchstoneError):
            session.check(0, {}, {})
        send({"used": box.used, "sockets": len(sockets())}, {"answers": torch.from_numpy(answers)})

    def true_answers(posed: Any, plain: dict[str, Any], tensors: dict[str, Any]) -> Any:
        return {"used": posed.boxes[0].used}, tensors

    with Poser(make_box(), true_answers) as poser, poser.session({}) as session, poser.session({}):
        jobs = [functools.partial(job, session)]
        confined = run_isolated(jobs, seconds=WAIT, confinement=Confinement(), kept=lambda _: session.descriptors)
        (_, message), (_, ending) = confined
        assert isinstance(message, Message)
        assert isinstance(ending, Ending)
        assert ending.status == "ok"
        assert message.header == {"used": 4, "sockets": 1}
        plain, tensors = session.check(0, message.header, message.tensors)
    assert plain == {"used": 4}
    assert torch.equal(tensors["answers"], message.tensors["answers"])


def test_questions_are_fresh_copies() -> None:
    def work(session: Session) -> Any:
        first, again, other = session.questions[0], session.questions[0], session.questions[3]
        first.add_(100)
        return again, other, session.questions[0]

    again, other, third = posed_by(lambda _, number: torch.full((2,), float(number)), work)
    assert again.tolist() == third.tolist() == [0.0, 0.0]
    assert other.tolist() == [3.0, 3.0]


def test_a_question_depends_on_the_seed_alone_and_one_thread_computes_it() -> None:
    def draws(request: dict[str, Any], number: int) -> Any:
        return torch.rand(3), np.random.rand(3), torch.get_num_threads(), lambda: torch.rand(1)  # noqa: NPY002

    def drawn() -> Any:
        make_deterministic(7)
        return draws({}, 0)[:2]

    def work(session: Session) -> Any:
        session.questions[1][3]()
        return session.questions[0][:3]

    with Poser(draws, unchecked) as poser, poser.session({"seed": 7}) as session:
        expected, got = in_child(drawn), in_child(work, session)
    assert torch.equal(got[0], expected[0])
    assert got[1].tolist() == expected[1].tolist()
    assert got[2] == 1


def test_what_the_poser_prepares_is_done_once_and_each_desk_has_its_own_copy() -> None:
    made: list[Any] = []

    def prepare() -> None:
        made.append([os.getpid(), 0])

    def pose(_request: Any, _number: int) -> Any:
        made[0][1] += 1
        return torch.tensor([made[0][0], len(made), made[0][1]])

    with Poser(pose, unchecked, prepare=prepare) as poser:
        found = []
        for _ in range(2):
            with poser.session({}) as session:
                found.append(in_child(lambda session=session: session.questions[0].tolist()))
    assert found == [[poser.pid, 1, 1]] * 2


def test_a_poser_that_ends_while_it_prepares_begins_again_without() -> None:
    with Poser(lambda *_: 5, unchecked, prepare=lambda: os._exit(3)) as poser:
        with poser.session({}) as session:
            assert in_child(lambda: session.questions[0]) == 5
        with poser.session({}) as session:
            assert in_child(lambda: session.questions[0]) == 5


def make_box(budget: int = 10) -> Callable[..., Any]:
    return lambda _request, _number: DescriptionQuestion(
        (BlackBox(Planted().answer, Reals(-1.0, 1.0), budget),), seed=0
    )


def test_a_box_counts_where_it_answers() -> None:
    def work(session: Session) -> Any:
        (box,), (again,) = session.questions[0].boxes, session.questions[0].boxes
        box.query(np.linspace(-1, 1, 4))
        again.query([0.5, 0.1])
        with pytest.raises(TouchstoneError, match="expected finite ones in"):
            box.query([3.0])
        with pytest.raises(BudgetExhausted, match="a query of 5 points, expected at most 4: 6 of the budget of 10"):
            box.query(np.zeros(5))
        return box.used, box.left, again.used, copy.deepcopy(box).used, box.query(0.0).shape, box == again

    def count(posed: Any, plain: Any, tensors: Any) -> Any:
        return {"used": posed.boxes[0].used}, {}

    with Poser(make_box(), count) as poser, poser.session({}) as session:
        assert in_child(work, session) == (6, 4, 6, 6, (), True)
        assert session.check(0, {}, {})[0] == {"used": 7}


def test_run_from_is_served() -> None:
    labels = torch.arange(4.0)

    def pose(_request: Any, _number: int) -> Any:
        return run_from_layers({"hidden": lambda x, inputs: x + labels[inputs][:, None]})

    def work(session: Session) -> Any:
        run_from = session.questions[0]
        with pytest.raises(UnknownNameError, match="did you mean 'hidden'"):
            run_from("hiden", torch.zeros(1, 2), torch.arange(1))
        with pytest.raises(TouchstoneError, match="IndexError"):
            run_from("hidden", torch.zeros(1, 2), torch.tensor([99]))
        return run_from("hidden", activations=torch.zeros(3, 2), inputs=torch.tensor([3, 0, 1]))

    assert torch.equal(posed_by(pose, work), torch.tensor([[3.0] * 2, [0.0] * 2, [1.0] * 2]))


# ---- cheats


def reachable(kind: type) -> list[str]:
    """Where an object of a type lies that this process can get at: tracked objects, frames, modules."""
    gc.unfreeze()
    found = ["object" for item in gc.get_objects() if isinstance(item, kind)]
    for frame_ in sys._current_frames().values():
        above: Any = frame_
        while above is not None:
            found += [f"frame {name}" for name, item in above.f_locals.items() if isinstance(item, kind)]
            above = above.f_back
    for name, module in list(sys.modules.items()):
        found += [f"{name}.{key}" for key, item in list(getattr(module, "__dict__", {}).items()) if type(item) is kind]
    return found


def test_what_was_planted_is_nowhere_in_the_child() -> None:
    def pose(_request: Any, _number: int) -> Any:
        planted = Planted()
        return BlackBox(planted.answer, Reals(-1.0, 1.0), 10), lambda: reachable(Planted)

    def work(session: Session) -> Any:
        box, look_there = session.questions[0]
        box.query(0.5)
        return reachable(Planted), look_there()

    here, there = posed_by(pose, work)
    assert there, "the search finds it where it is"
    assert here == []


def test_no_attribute_of_a_box_answers_beyond_its_budget() -> None:
    def work(session: Session) -> Any:
        (box,) = session.questions[0].boxes
        answers = 0
        box.budget = 10**6
        asked = [box.query, *(getattr(box, name) for name in dir(box) if "answer" in name)]
        service = session.questions
        asked += [lambda x, number=number: service._call(number, (x,), {}) for number in range(10)]
        asked += [session.questions[number].boxes[0].query for number in (0, 0)]
        gc.unfreeze()
        for item in gc.get_objects():
            if isinstance(item, Remote):
                asked.append(item)
        for ask in asked:
            for _ in range(5):
                try:
                    answers += np.size(ask(np.linspace(-1, 1, 3)))
                except (TouchstoneError, TypeError):
                    break
        return answers, len(asked)

    def pose(request: Any, number: int) -> Any:
        return make_box(10)(request, number)

    answers, ways = posed_by(pose, work)
    assert ways > 14
    assert answers == 9, "three queries of three points, whichever way they are asked"


def sockets() -> set[int]:
    """The inodes of the sockets that this process has open."""
    found = set()
    for name in Path("/proc/self/fd").iterdir():
        try:
            target = str(name.readlink())
        except OSError:
            continue
        if target.startswith("socket:["):
            found.add(int(target[8:-1]))
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("explicitly", [True, False])
def test_a_child_keeps_its_own_connection_alone(explicitly: bool) -> None:
    def work(session: Session) -> Any:
        if explicitly:
            session.keep_only()
        else:
            session.questions[0]
        return sorted(sockets())

    before = sockets()
    with (
        Poser(lambda *_: 0, unchecked) as poser,
        Poser(lambda *_: 0, unchecked) as other,
        poser.session({}) as session,
        poser.session({}),
        other.session({}),
    ):
        ours = sockets() - before
        assert len(ours) == 2 + 3 * 2
        mine = os.fstat(session._service.fileno()).st_ino
        assert set(in_child(work, session)) & ours == {mine}
        for number in (0, 1):
            assert session.check(number, {"still": number}, {})[0] == {"still": number}


def test_a_child_can_neither_check_nor_open_a_session() -> None:
    def work(session: Session) -> Any:
        tried = []
        for attempt in (lambda: session.check(0, {}, {}), lambda: session._poser.session({})):
            with pytest.raises(TouchstoneError) as caught:
                attempt()
            tried.append(str(caught.value))
        session.close()
        session._poser.close()
        return (*tried, session.questions[0])

    with Poser(lambda *_: 5, unchecked) as poser, poser.session({}) as session:
        check, begin, posed = in_child(work, session)
        assert "got a call in a child" in check
        assert "by another process" in begin
        assert posed == 5
        with pytest.raises(TouchstoneError, match="in the engine's own process"):
            session.keep_only()
        assert session.check(0, {"a": 1}, {}) == ({"a": 1}, {})


@pytest.mark.parametrize(
    "body",
    [
        None, 3, [], {}, {"number": 0, "plain": {}, "tensors": {}}, {"open": 9, "request": {}}, {"close": 0},
        {"question": None}, {"question": "0"}, {"question": -1}, {"question": True}, {"call": None},
        {"call": [99, {"tuple": []}, {"dict": {}}]}, {"call": [-1, {"tuple": []}, {"dict": {}}]},
        {"call": [0, [], {"dict": {}}]}, {"call": {"array": {"number": 3}}},
        {"call": [0, {"tuple": [1, 2, 3]}, {"dict": {}}]},
    ],
    ids=str,
)  # fmt: skip
def test_forged_messages_are_answered_with_an_error(body: Any) -> None:
    def work(session: Session) -> Any:
        session.questions[0]
        wire.send(session._service, body)
        answer, _ = wire.receive(session._service)
        return list(answer), session.questions[0].boxes[0].used

    def count(posed: Any, plain: Any, tensors: Any) -> Any:
        return {"used": posed.boxes[0].used}, {}

    with Poser(make_box(), count) as poser, poser.session({}) as session:
        assert in_child(work, session) == (["error"], 0)
        assert session.check(0, {}, {})[0] == {"used": 0}


@pytest.mark.parametrize("sent", [b"\xff" * 8, frame(b"[" * 100_000), frame(b'{"body": 1')[:12]], ids=len)
def test_what_is_no_message_ends_the_method_alone(sent: bytes) -> None:
    def work(session: Session) -> Any:
        session.keep_only()
        session._service.sendall(sent)
        return None

    with Poser(lambda *_: 5, unchecked) as poser, poser.session({}) as session, poser.session({}) as other:
        in_child(work, session)
        assert session.check(0, {"a": 1}, {}) == ({"a": 1}, {})
        assert in_child(lambda: other.questions[0]) == 5


def test_a_method_that_does_not_listen_does_not_keep_the_engine_waiting() -> None:
    def work(session: Session) -> Any:
        session.keep_only()
        wire.send(session._service, {"question": 0})

    with Poser(lambda *_: torch.zeros(10**7), unchecked) as poser, poser.session({}) as session:
        in_child(work, session)
        assert session.check(0, {"a": 1}, {}, seconds=WAIT) == ({"a": 1}, {})


def test_a_process_that_the_child_starts_has_no_part_in_its_session() -> None:
    def work(session: Session) -> Any:
        function = session.questions[0]
        return in_child(function)

    error = posed_by(lambda *_: lambda: 5, work)
    assert error[:2] == ("error", "TouchstoneError")
    assert "from another process" in error[2]


# ---- faults of those who pose


def faulty(request: dict[str, Any], number: int) -> Any:
    if number == 1:
        raise TouchstoneError("got 3 rows, expected 4")
    if number == 2:
        raise ZeroDivisionError("no rows")
    if number == 3:
        os._exit(7)
    if number == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    if number == 5:
        time.sleep(10 * WAIT)
    return sys.__stdin__ if number == 6 else number


@pytest.mark.parametrize(
    ("number", "reason", "ends"),
    [
        (1, "got 3 rows, expected 4", None),
        (2, "ZeroDivisionError: no rows", None),
        (3, "the process that poses has ended", "with status 7"),
        (4, "the process that poses has ended", "killed by SIGKILL"),
        (5, "did not answer within 2 s", "did not check an explanation within 1 s"),
        (6, "TextIOWrapper", ""),
    ],
)
def test_a_question_that_cannot_be_posed_is_an_error_and_others_go_on(
    number: int, reason: str, ends: str | None
) -> None:
    def work(session: Session) -> Any:
        with pytest.raises(PosingError) as caught:
            session.questions[number]
        return str(caught.value)

    with Poser(faulty, unchecked, seconds=2 if number == 5 else WAIT) as poser:
        with poser.session({}) as session, poser.session({}) as other:
            assert reason in in_child(work, session)
            if ends != "":
                with pytest.raises(TouchstoneError, match=ends or reason):
                    session.check(number, {}, {}, seconds=1 if number == 5 else WAIT)
            if ends is None:
                assert session.check(0, {"a": 1}, {})[0] == {"a": 1}
            assert in_child(lambda: other.questions[0]) == 0
            assert other.check(0, {"a": 2}, {})[0] == {"a": 2}
        with poser.session({}) as later:
            assert in_child(lambda: later.questions[8]) == 8


def test_what_a_check_raises_reaches_the_engine() -> None:
    def check(posed: Any, plain: dict[str, Any], tensors: Any) -> Any:
        if plain["do"] == "refuse":
            raise InvalidExplanation("got NaN, expected numbers")
        return {}["x"] if plain["do"] == "break" else (plain, tensors)

    with Poser(lambda *_: 0, check) as poser, poser.session({}) as session:
        with pytest.raises(InvalidExplanation, match=r"^got NaN, expected numbers$"):
            session.check(0, {"do": "refuse"}, {})
        with pytest.raises(TouchstoneError, match="KeyError: 'x'"):
            session.check(0, {"do": "break"}, {})
        plain, tensors = session.check(0, {"do": "pass"}, {"a": torch.ones(2), "b": torch.tensor([True])})
        assert plain == {"do": "pass"}
        assert torch.equal(tensors["a"], torch.ones(2))
        assert tensors["b"].dtype == torch.bool


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is one of Linux")
def test_a_call_that_needs_too_much_memory_is_refused() -> None:
    def work(session: Session) -> Any:
        take = session.questions[0]
        assert take(1) == 2**17
        with pytest.raises(TouchstoneError, match=r"memory|allocate"):
            take(4000)
        return take(2)

    poser = Poser(lambda *_: lambda mb: np.ones(mb * 2**17).size, unchecked, memory_mb=500)
    with poser, poser.session({}) as session:
        assert in_child(work, session) == 2**18


def test_two_sessions_at_once() -> None:
    def work(session: Session) -> Any:
        ask = session.questions[0]
        return [ask(number) for number in range(200)]

    def pose(request: dict[str, Any], _number: int) -> Any:
        return lambda number: (request["name"], number)

    with Poser(pose, unchecked) as poser, poser.session({"name": "a"}) as a, poser.session({"name": "b"}) as b:
        first, second = forked(work, a), forked(work, b)
        assert second() == [("b", number) for number in range(200)]
        assert first() == [("a", number) for number in range(200)]


def test_a_desk_ends_with_its_session_and_all_with_the_poser() -> None:
    with Poser(lambda *_: os.getpid(), unchecked) as poser:
        with poser.session({}) as session:
            desk = in_child(lambda: session.questions[0])
            assert psutil.Process(desk).ppid() == poser.pid
        assert gone(desk)
        last = poser.session({})
        desk = in_child(lambda: last.questions[0])
    assert gone(poser.pid)
    assert gone(desk)
    with pytest.raises(TouchstoneError):
        last.check(0, {}, {})
    with pytest.raises(TouchstoneError, match="does not answer any more"):
        poser.session({})


def test_poser_and_desks_die_with_a_killed_engine() -> None:
    program = (
        "import os, time\nfrom benchmark.posing import Poser\n"
        "poser = Poser(lambda *_: os.getpid(), lambda *_: ({}, {}))\nsession = poser.session({})\n"
        "print(poser.pid, session.questions[0], flush=True)\ntime.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as engine:
        assert engine.stdout
        pids = [int(text) for text in engine.stdout.readline().split()]
        engine.kill()
    assert len(pids) == 2
    assert all(gone(pid) for pid in pids)


def test_a_poser_that_died_is_an_error() -> None:
    with Poser(lambda *_: 0, unchecked) as poser:
        os.kill(poser.pid, signal.SIGKILL)
        for _ in range(2):
            with pytest.raises(TouchstoneError, match="does not answer any more"):
                poser.session({})


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() == 0, reason="root may read every process")
def test_the_memory_of_a_desk_is_closed_to_others_of_the_same_user() -> None:
    def work(session: Session) -> Any:
        pid = session.questions[0]
        with pytest.raises(PermissionError):
            Path(f"/proc/{pid}/mem").open("rb").close()
        return "refused"

    assert posed_by(lambda *_: os.getpid(), work) == "refused"
