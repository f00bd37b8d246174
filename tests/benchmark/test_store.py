"""The store: what was put is found whole under its key; damage is named, and each file is hashed once a run."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmark import artifacts
from benchmark.errors import DamagedArtifactError
from benchmark.store import Store, damaged, digest, read_entry, recorded, write_index
from tests.support.project import flip

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
)
PARTS = {"": {"x": torch.arange(3.0)}, "more": {"y": torch.ones(2, dtype=torch.int64)}}


def reordered(value: Any) -> Any:
    """The same value with every dictionary's keys in the opposite order."""
    if isinstance(value, dict):
        return {key: reordered(value[key]) for key in reversed(value)}
    return [reordered(entry) for entry in value] if isinstance(value, list) else value


@given(JSON)
def test_the_digest_does_not_depend_on_the_order_of_keys(value: Any) -> None:
    assert digest(reordered(value)) == digest(value)
    assert len(digest(value)) == 16
    assert digest([value]) != digest(value)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


def test_what_was_put_is_found_by_its_key(store: Store) -> None:
    assert store.find("a/b", "key") is None
    put = store.put("a/b", "key", {"status": "ok", 7: (1, 2)}, PARTS, {"png": b"picture"})
    found = store.find("a/b", "key")
    assert found is not None
    assert found.content == put.content == {"status": "ok", "7": [1, 2]}
    assert torch.equal(found.tensors()["x"], PARTS[""]["x"])
    assert torch.equal(found.tensors("more")["y"], PARTS["more"]["y"])
    assert found.blob("png").read_bytes() == b"picture"
    assert {path.name for path in found.files} == {"b.json", "b.safetensors", "b.more.safetensors", "b.png"}
    assert store.find("a/b", "other key") is None
    store.forget("a/b")
    assert store.find("a/b", "key") is None


def test_a_label_with_dots_is_no_suffix(store: Store) -> None:
    store.put("plain.0", "key", {}, {"": {"x": torch.zeros(1)}})
    store.put("plain.0.1", "key", {}, {"": {"x": torch.ones(1)}})
    assert store.read("plain.0").tensors()["x"].item() == 0
    assert store.read("plain.0.1").tensors()["x"].item() == 1
    store.put("plain.0", "key", {}, blobs={"png": b"0"})
    store.put("plain.1", "key", {}, blobs={"png": b"1"})
    assert store.read("plain.0").blob("png").read_bytes() == b"0"


def test_the_identity_is_that_of_the_bytes(store: Store) -> None:
    first = store.put("a", "one", {"seconds": 1}, PARTS)
    second = store.put("b", "two", {"seconds": 2}, PARTS)
    other = store.put("c", "one", {"seconds": 1}, {"": {"x": torch.arange(4.0)}})
    assert first.identity == second.identity != other.identity


@pytest.mark.parametrize("file", ["a.json", "a.safetensors", "a.more.safetensors"])
@pytest.mark.parametrize("damage", ["truncated", "altered", "missing"])
def test_damage_is_named_and_found_no_more(store: Store, lines: Any, file: str, damage: str) -> None:
    store.put("a", "key", {"status": "okay"}, PARTS)
    path = store.folder / file
    if damage == "missing":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(path.read_bytes()[:-4])
    elif file == "a.json":
        path.write_text(path.read_text().replace("okay", "good"))
    else:
        flip(path)
    assert store.find("a", "key") is None
    if (file, damage) == ("a.json", "missing"):
        with pytest.raises(FileNotFoundError):
            store.read("a")
    else:
        assert f"{file} is {'missing' if damage == 'missing' else 'damaged'}" in lines()
        with pytest.raises(DamagedArtifactError, match=file):
            store.read("a")


@pytest.mark.parametrize("content", ["{}", "[]", "null", '{"files": 3}', "", "\x00", "[" * 100_000])
def test_a_record_that_is_none_is_damaged(store: Store, content: str) -> None:
    store.put("a", "key", {})
    store.path("a").write_text(content)
    assert store.find("a", "key") is None
    with pytest.raises(DamagedArtifactError, match=r"a\.json is damaged"):
        store.read("a")


def test_a_file_that_another_run_flips_unnoticed_is_found_by_its_reader(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOUCHSTONE_RUN", "first")
    kept = Store(store.folder).put("a", "key", {}, PARTS)
    flip(store.folder / "a.safetensors", keep_time=True)
    monkeypatch.setenv("TOUCHSTONE_RUN", "second")
    again = Store(store.folder).find("a", "key")
    assert again is not None
    with pytest.raises(DamagedArtifactError, match=r"a\.safetensors is damaged: its checksum"):
        again.tensors()
    assert kept.entry == again.entry


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each file was hashed from now on."""
    found: Counter[str] = Counter()
    real = artifacts.sha256

    def counting(path: Path) -> str:
        found[path.name] += 1
        return real(path)

    monkeypatch.setattr(artifacts, "sha256", counting)
    return found


def test_each_file_of_tensors_is_hashed_once_a_run(
    store: Store, monkeypatch: pytest.MonkeyPatch, hashed: Counter[str]
) -> None:
    monkeypatch.setenv("TOUCHSTONE_RUN", "first")
    Store(store.folder).put("a", "key", {}, PARTS)
    assert hashed["a.safetensors"] == 1
    for run in ("first", "second"):
        monkeypatch.setenv("TOUCHSTONE_RUN", run)
        hashed.clear()
        for _ in range(3):  # three jobs
            own = Store(store.folder)
            for _ in range(2):
                own.read("a").tensors()["x"]
        assert hashed["a.safetensors"] == (0 if run == "first" else 1)


def test_a_ledger_that_cannot_be_read_or_written_costs_time_alone(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("a", "key", {}, PARTS)
    (store.folder / ".verified").unlink()
    (store.folder / ".verified").mkdir()
    assert torch.equal(Store(store.folder).read("a").tensors()["x"], PARTS[""]["x"])
    (store.folder / ".verified").rmdir()
    (store.folder / ".verified").write_bytes(b"\xff\xfe")
    assert torch.equal(Store(store.folder).read("a").tensors()["x"], PARTS[""]["x"])


def test_a_shelf_holds_each_thing_under_its_own_key(store: Store) -> None:
    shelf = store.shelf("values/one")
    assert shelf.find("auroc", "k1") is None
    shelf.put("auroc", "k1", {"value": 0.5})
    shelf.put("other", "k2", {"value": 1.5})
    shelf.save(keep=["auroc", "other"])
    again = store.shelf("values/one")
    assert again.find("auroc", "k1") == {"value": 0.5}
    assert again.find("auroc", "k2") is None
    before = store.path("values/one").stat().st_mtime_ns
    again.save(keep=["auroc", "other"])
    assert store.path("values/one").stat().st_mtime_ns == before, "nothing changed"
    again.save(keep=["other"])
    last = store.shelf("values/one")
    assert (last.find("auroc", "k1"), last.find("other", "k2")) == (None, {"value": 1.5})


def test_an_index_vouches_for_files_wherever_they_lie(tmp_path: Path) -> None:
    files = [tmp_path / "deep" / "one", tmp_path / "two"]
    (tmp_path / "deep").mkdir()
    for file in files:
        file.write_bytes(file.name.encode() * 3)
    index = tmp_path / "indexes" / "job.json"
    write_index(index, recorded(files), {"counts": {"computed": 1}})
    assert damaged(index, by_checksum=True) == []
    assert read_entry(index).content == {"counts": {"computed": 1}}
    flip(files[0], keep_time=True)
    assert damaged(index) == []
    (problem,) = damaged(index, by_checksum=True)
    assert "one is damaged" in problem
    files[1].unlink()
    assert any("two is missing" in problem for problem in damaged(index))
    index.write_text(index.read_text().replace('"computed": 1', '"computed": 2'))
    (problem,) = damaged(index)
    assert "job.json is damaged: its contents are not those it was written with" in problem
    assert damaged(tmp_path / "absent.json") == [f"{tmp_path / 'absent.json'} is missing"]


def test_records_are_plain_json(store: Store) -> None:
    store.put("a", "key", {"status": "ok", "path": Path("/x")})
    content = json.loads(store.path("a").read_text())
    assert content["content"] == {"status": "ok", "path": "/x"}
