# Touchstone's workflow: train -> explain -> score (-> pictures) -> publish. Each rule is one thin call of the command line.
#
#   snakemake --cores 2                              the default profile
#   snakemake --cores 2 --config profile=smoke       another one from config/ (or a path to a YAML file)
#   snakemake --cores 2 --config only=attribution    one family, or family/task
#   snakemake --profile profiles/slurm --quiet host --config profile=full batches=8       on a cluster
#
# What a job depends on stands in its `input:` (source files) and `params:` (resolved settings), because Snakemake does not notice an edit
# of a module that is merely imported. Nothing here imports torch.

import json
import os
import shlex
import sys
from pathlib import Path

sys.path.insert(0, str(Path(workflow.basedir)))

from benchmark.audit import audit
from benchmark.forkserver import LAUNCHER, start
from benchmark.invocation import called_with, only_looks
from benchmark.locking import RUN_VARIABLE, hold, run_name
from benchmark.planning import DEVICE_VARIABLE, make_plan
from benchmark.resources import memory_mb, minutes, side_by_side
from benchmark.standing import take_back_outdated
from benchmark.warming import imported_in

PYTHON = sys.executable
JOB = f"{shlex.quote(PYTHON)} -I -S {shlex.quote(str(LAUNCHER))}"  # `python -m benchmark`, forked where a server runs
OVERRIDE = {key: [config[key]] if isinstance(config[key], str) else config[key] for key in ("only", "exclude", "batches", "workers") if key in config}
PLAN = make_plan(config.get("profile", "default"), overrides=OVERRIDE)
LAYOUT = PLAN.layout
PROFILE = config.get("profile", "default")
CALL = f"--profile {shlex.quote(PROFILE)}" + (f" --override {shlex.quote(json.dumps(OVERRIDE))}" if OVERRIDE else "")
GPU = int(any(subject.device == "cuda" for subject in PLAN.subjects.values()))
LIMITS = PLAN.profile.limits

os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(Path(workflow.basedir)), os.environ.get("PYTHONPATH")]))

# On a cluster each job reads this file again on its node. Only the process that a person started decides for all of them (which run it is,
# what the device "auto" stands for), takes the lock, and looks for damaged files, which a dry run leaves as they are.
if workflow.is_main_process:
    LOOKS = only_looks(called_with())
    os.environ[RUN_VARIABLE] = run_name()
    os.environ[DEVICE_VARIABLE] = "cuda" if GPU else "cpu"
    if not LOOKS:
        HELD = hold(LAYOUT.results, os.environ[RUN_VARIABLE], "snakemake")
    for problem in audit(LAYOUT, repair=not LOOKS):
        logger.warning(f"{problem}; a run makes it again" if LOOKS else f"{problem}; it is made again")
    for index in [] if LOOKS else take_back_outdated(PLAN):
        logger.info(f"{index} was made under other settings or by other code; its job looks again")
    for problem in PLAN.problems:
        logger.warning(problem)


def cells(wildcards) -> int:
    return len(PLAN.task(wildcards.task).batch(int(wildcards.batch)))


def instances(wildcards) -> int:
    return len(PLAN.task(wildcards.task).instances)


def trained(task) -> list[Path]:
    return [LAYOUT.train_index(name, batch) for name in task.subjects for batch in range(PLAN.subject(name).batches)]


def seeds(wildcards) -> int:
    return len(PLAN.subject(wildcards.subject).batch(int(wildcards.batch)))


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
        lambda w: PLAN.subject(w.subject).train_sources,
    output:
        LAYOUT.train_index("{subject}", "{batch}"),
    params:
        settings=lambda w: PLAN.subject(w.subject).settings,
    threads: lambda w: PLAN.subject(w.subject).threads
    priority: 30 # the longest chains first: what many jobs wait for, before what few do
    resources:
        gpu=GPU,
        mem_mb=lambda w, attempt: memory_mb(LIMITS, units=1, threads=1, attempt=attempt),
        runtime=lambda w, attempt: minutes(LIMITS, units=seeds(w), threads=1, attempt=attempt),
    log:
        LAYOUT.results / "logs" / "train" / "{subject}-{batch}.log",
    shell:
        "{JOB} train {CALL} --subject {wildcards.subject} --batch {wildcards.batch} 2>&1 | tee {log:q}"


rule explain:
    input:
        lambda w: PLAN.task(w.task).explain_sources(int(w.batch)),
        lambda w: trained(PLAN.task(w.task)),
    output:
        LAYOUT.explain_index("{task}", "{batch}"),
    params:
        settings=lambda w: PLAN.task(w.task).explain_settings(int(w.batch)),
    threads: lambda w: side_by_side(cells(w), PLAN.profile.workers)
    priority: 20
    resources:
        gpu=GPU,
        mem_mb=lambda w, threads: memory_mb(LIMITS, units=cells(w), threads=threads),
        runtime=lambda w, threads: minutes(LIMITS, units=cells(w), threads=threads),
    log:
        LAYOUT.results / "logs" / "explain" / "{task}-{batch}.log",
    shell:
        "{JOB} explain {CALL} --task {wildcards.task} --batch {wildcards.batch} --threads {threads} 2>&1 | tee {log:q}"


rule score:
    input:
        lambda w: PLAN.task(w.task).score_sources,
        lambda w: trained(PLAN.task(w.task)),
        lambda w: [LAYOUT.explain_index(w.task, batch) for batch in range(PLAN.task(w.task).batches)],
    output:
        LAYOUT.scores("{task}"),
        LAYOUT.score_index("{task}"),
    params:
        settings=lambda w: PLAN.task(w.task).score_settings(PLAN.profile.draws),
    threads: lambda w: side_by_side(instances(w), PLAN.profile.workers)
    priority: 10
    resources:
        gpu=GPU,
        mem_mb=lambda w, threads, attempt: memory_mb(LIMITS, units=instances(w), threads=threads, attempt=attempt),
        runtime=lambda w, threads, attempt: minutes(LIMITS, units=instances(w), threads=threads, attempt=attempt),
    log:
        LAYOUT.results / "logs" / "score" / "{task}.log",
    shell:
        "{JOB} score {CALL} --task {wildcards.task} --threads {threads} 2>&1 | tee {log:q}"


rule pictures:
    input:
        lambda w: PLAN.task(w.task).picture_sources,
        lambda w: LAYOUT.score_index(w.task),
    output:
        LAYOUT.picture_index("{task}"),
    resources:
        gpu=GPU,
        mem_mb=lambda w, attempt: memory_mb(LIMITS, units=1, threads=1, attempt=attempt),
        runtime=lambda w, attempt: minutes(LIMITS, units=1, threads=1, attempt=attempt),
    log:
        LAYOUT.results / "logs" / "pictures" / "{task}.log",
    shell:
        "{JOB} pictures {CALL} --task {wildcards.task} 2>&1 | tee {log:q}"


rule publish:
    input:
        [LAYOUT.score_index(task) for task in PLAN.tasks],
        [LAYOUT.picture_index(task) for task in PLAN.tasks],
        PLAN.publish_sources,
    output:
        LAYOUT.published,
    params:
        configuration=json.dumps(PLAN.configuration, default=str),
    resources:
        gpu=0,
        mem_mb=lambda w, attempt: memory_mb(LIMITS, units=1, threads=1, attempt=attempt),
        runtime=lambda w, attempt: minutes(LIMITS, units=1, threads=1, attempt=attempt),
    log:
        LAYOUT.results / "logs" / "publish.log",
    shell:
        "{JOB} publish {CALL} 2>&1 | tee {log:q}"


onstart:
    if workflow.local_exec:
        # It limits submissions to clusters. Here it would look for jobs again every second, once for each job that has ended: with a hundred
        # ended ones a core does nothing else (Snakemake 9.27).
        workflow.scheduler.job_rate_limiter = None
    if workflow.is_main_process and workflow.local_exec:
        start(*imported_in(PLAN))


onsuccess:
    shell("{PYTHON:q} -m benchmark summary {CALL}")


onerror:
    shell("{PYTHON:q} -m benchmark summary {CALL} || true")
