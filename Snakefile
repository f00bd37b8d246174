# Touchstone's workflow: train -> explain -> score -> publish. Each rule is one thin call of the command line.
#
#   snakemake --cores 2                              the default profile
#   snakemake --cores 2 --config profile=smoke       another one from config/ (or a path to a YAML file)
#   snakemake --cores 2 --config only=attribution    one family, or family/task
#
# What a job depends on stands in its `input:` (source files) and `params:` (resolved settings), because Snakemake does not notice an edit
# of a module that is merely imported. Nothing here imports torch.

import json
import os
import shlex
import sys
import uuid
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(workflow.basedir)))

from benchmark.audit import audit
from benchmark.layout import Layout
from benchmark.locking import hold
from benchmark.plan import make_plan

PYTHON = sys.executable
OVERRIDE = {key: [config[key]] if isinstance(config[key], str) else config[key] for key in ("only", "exclude") if key in config}
PLAN = make_plan(config.get("profile", "default"), overrides=OVERRIDE)
LAYOUT = Layout(PLAN.profile.name)
PROFILE = config.get("profile", "default")
CALL = f"--profile {shlex.quote(PROFILE)}" + (f" --override {shlex.quote(json.dumps(OVERRIDE))}" if OVERRIDE else "")
GPU = int(any(subject.device == "cuda" for subject in PLAN.subjects.values()))
MEMORY = PLAN.profile.limits.memory_mb

# A run is named after the moment it began, from which `make speed` counts.
os.environ.setdefault("TOUCHSTONE_RUN", f"{psutil.Process().create_time():.2f}-{uuid.uuid4().hex[:8]}")
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(Path(workflow.basedir)), os.environ.get("PYTHONPATH")]))

LOOKS_ONLY = {"-n", "--dry-run", "--dryrun", "--dag", "--rulegraph", "--filegraph", "--summary", "--lint", "--list"} & set(sys.argv)
if workflow.is_main_process and not LOOKS_ONLY:
    HELD = hold(LAYOUT.results / ".lock")

for problem in audit(LAYOUT):
    logger.warning(f"{problem}; it is made again")
for problem in PLAN.problems:
    logger.warning(problem)


wildcard_constraints:
    subject="[^/]+",
    task="[^/]+",
    batch=r"\d+",


localrules:
    all,


rule all:
    input:
        LAYOUT.published,


rule train:
    input:
        lambda w: PLAN.subject(w.subject).sources,
    output:
        LAYOUT.subject_index("{subject}"),
    params:
        settings=lambda w: json.dumps([PLAN.subject(w.subject).key, PLAN.subject(w.subject).seeds], default=str),
    threads: lambda w: PLAN.subject(w.subject).threads
    priority: 10
    resources:
        gpu=GPU,
        mem_mb=MEMORY,
        runtime=600,
    log:
        LAYOUT.results / "logs" / "train" / "{subject}.log",
    benchmark:
        LAYOUT.results / "benchmarks" / "train" / "{subject}.tsv"
    shell:
        "{PYTHON:q} -m benchmark train {CALL} --subject {wildcards.subject} 2>&1 | tee {log:q}"


rule explain:
    input:
        lambda w: PLAN.task(w.task).explain_sources(int(w.batch)),
        lambda w: [LAYOUT.subject_index(name) for name in PLAN.task(w.task).subjects],
    output:
        LAYOUT.explain_index("{task}", "{batch}"),
    params:
        settings=lambda w: json.dumps(
            [[i.label, dict(i.parameters)] for i in PLAN.task(w.task).instances]
            + [[m.name, dict(m.parameters)] for m in PLAN.task(w.task).batch(int(w.batch))]
            + [PLAN.task(w.task).limits.model_dump()],
            default=str,
        ),
    threads: PLAN.profile.workers
    resources:
        gpu=GPU,
        mem_mb=MEMORY,
        runtime=600,
    log:
        LAYOUT.results / "logs" / "explain" / "{task}-{batch}.log",
    benchmark:
        LAYOUT.results / "benchmarks" / "explain" / "{task}-{batch}.tsv"
    shell:
        "{PYTHON:q} -m benchmark explain {CALL} --task {wildcards.task} --batch {wildcards.batch} --threads {threads} 2>&1 | tee {log:q}"


rule score:
    input:
        lambda w: PLAN.task(w.task).score_sources,
        lambda w: [LAYOUT.subject_index(name) for name in PLAN.task(w.task).subjects],
        lambda w: [LAYOUT.explain_index(w.task, batch) for batch in range(PLAN.task(w.task).batches)],
    output:
        LAYOUT.scores("{task}"),
        LAYOUT.score_index("{task}"),
    params:
        draws=PLAN.profile.draws,
    threads: PLAN.profile.workers
    resources:
        gpu=GPU,
        mem_mb=MEMORY,
        runtime=120,
    log:
        LAYOUT.results / "logs" / "score" / "{task}.log",
    benchmark:
        LAYOUT.results / "benchmarks" / "score" / "{task}.tsv"
    shell:
        "{PYTHON:q} -m benchmark score {CALL} --task {wildcards.task} --threads {threads} 2>&1 | tee {log:q}"


rule publish:
    input:
        [LAYOUT.score_index(task) for task in PLAN.tasks],
        PLAN.publish_sources,
    output:
        LAYOUT.published,
    params:
        configuration=json.dumps(PLAN.configuration, default=str),
    resources:
        gpu=0,
        mem_mb=MEMORY,
        runtime=30,
    log:
        LAYOUT.results / "logs" / "publish.log",
    benchmark:
        LAYOUT.results / "benchmarks" / "publish.tsv"
    shell:
        "{PYTHON:q} -m benchmark publish {CALL} 2>&1 | tee {log:q}"


onsuccess:
    shell("{PYTHON:q} -m benchmark summary {CALL}")


onerror:
    shell("{PYTHON:q} -m benchmark summary {CALL} || true")
