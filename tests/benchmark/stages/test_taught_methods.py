"""A taught method sees questions and truths of other seeds, of its variant and the rival, and no other method does."""

from __future__ import annotations

from tests.support.project import TASK, Project

LESSONS = """
found = torch.zeros_like(question.inputs)
if question.lessons is not None:
    found[0, 0] = len(question.lessons.inputs)
    found[0, 1] = question.lessons.masks.float().sum()
    found[0, 2] = question.lessons.masks[:, 0].float().sum()
    found[1] = question.lessons.inputs[0]
return found
"""
RIVALS = (
    TASK.replace('"few": {"inputs": 2}}', '"few": {"inputs": 2}, "other": {"asked": 1}}')
    .replace('unranked=("few",)', 'unranked=("few",), rivals={"plain": "other"}')
    .replace("    inputs: int = 8\n", "    inputs: int = 8\n    asked: int = 0\n")
    .replace("mask[:, 0] = True", "mask[:, self.asked] = True")
)


def test_it_learns_from_both_rivals_on_up_to_three_other_seeds(project: Project) -> None:
    project.write("toytask", RIVALS)
    project.method("told", LESSONS, taught=True, control=True)
    project.method("plain", LESSONS)
    variants = {"attribution/toytask": {"variants": ["plain", "other", "wide"]}}
    counts = project.explain(seeds=5, tasks=variants)
    assert (counts["computed"], counts["failed"]) == (30, 0)
    for label in ("plain.0", "other.4"):
        found = project.attributions("told", label)
        assert found[0, :3].tolist() == [3 * 2 * 8, 3 * 2 * 8, 3 * 8], "three seeds, two rivals, eight inputs"
        assert not project.attributions("plain", label).any()
    assert project.attributions("told", "wide.2")[0, 0] == 3 * 8
    first, second = (project.attributions("told", f"plain.{seed}")[1] for seed in (0, 1))
    assert not first.equal(second), "lessons are of other seeds"
    assert first.equal(project.store.read(project.layout.subject("toy", 1)).tensors("public")["inputs"][0])


def test_one_seed_teaches_nothing_and_another_seed_is_news(project: Project) -> None:
    project.method("told", LESSONS, taught=True)
    project.method("plain", LESSONS)
    project.explain(seeds=1)
    assert not project.attributions("told").any()
    counts = project.explain(seeds=2)
    assert counts["reused"] == 1, "only what was not taught stays true"
    assert project.attributions("told")[0, 0] == 8
    assert project.explain(seeds=2)["computed"] == 0


def test_a_seed_that_could_not_be_trained_teaches_nothing(project: Project) -> None:
    project.method("told", LESSONS, taught=True)
    subject = (project.folder / "toy.py").read_text()
    project.write("toy", subject.replace("weight = torch.zeros", "assert run.seed != 1\n        weight = torch.zeros"))
    project.explain(seeds=3)
    assert project.attributions("told", "plain.0")[0, 0] == 8


def test_it_is_no_contestant(project: Project) -> None:
    project.method("told", LESSONS, taught=True)
    project.method("plain", LESSONS)
    rows = project.score().groupby("method").reference.first()
    assert (rows["told"], rows["plain"]) == (True, False)
