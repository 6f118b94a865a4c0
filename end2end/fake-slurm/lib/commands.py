"""The fake's commands by name."""
import os
import sys

import accept
import ask
import job_records
import controller


def which(job, text):
    """Indexes that '1000', '1000_2' or '1000_*' name in a job."""
    _, _, index = text.partition("_")
    return list(job["tasks"]) if index in ("", "*") else [int(index)]


def scancel(arguments):
    kind, *rest = job_records.fault("scancel")
    if ask.trouble("scancel", kind, rest[0] if rest else ""):
        return 1
    for text in [a for a in arguments if not a.startswith("-")]:
        with job_records.lock():
            job = job_records.load(text.partition("_")[0])
            if job is None:
                continue  # silently, as the real one
            for index in which(job, text):
                cancel(job, index, text)
            job_records.save(job)
    return 0


def cancel(job, index, text):
    task = job["tasks"].get(index)
    if task is None or job_records.ended(task):
        return
    if task["state"] == "RUNNING" and task["pid"]:
        task["cancel"] = True  # its runner does the rest
    elif "_" in text:
        # A single waiting task leaves queue and accounting, yet makes `afterok` fail.
        del job["tasks"][index]
        job["gone"].append("CANCELLED")
    else:
        job_records.settle(task, f"CANCELLED by {os.getuid()}")


def set_state(target, state, exit_code="0:0"):
    """fakectl set 1000_2 FAILED 1:0"""
    job = job_records.load(target.partition("_")[0])
    for index in which(job, target):
        job_records.settle(job["tasks"][index], state, exit_code)
    job["eligible"] = True
    job_records.save(job)


def requeue(target):
    """fakectl requeue 1000_2: a node fails, and the task waits again."""
    job = job_records.load(target.partition("_")[0])
    for index in which(job, target):
        old = job["tasks"][index]
        job_records.settle(old, "NODE_FAIL", "0:0")
        job["past"].append((index, old))
        job["tasks"][index] = job_records.new_task()
    job_records.save(job)


def forget(target):
    """fakectl forget 1000: the controller loses the job; accounting keeps what it had."""
    os.unlink(job_records.path("jobs", target))


def names():
    """fakectl names: the name of every job there has been, one a line."""
    for job in job_records.jobs(old=True):
        print(job["name"])


def fakectl(arguments):
    verbs = {"set": set_state, "requeue": requeue, "forget": forget, "names": names}
    with job_records.lock():
        verbs[arguments[0]](*arguments[1:])
    return 0


def main(tool, arguments):
    job_records.require()
    tools = {"sbatch": accept.sbatch, "sacct": ask.sacct, "squeue": ask.squeue,
             "scancel": scancel, "fakectl": fakectl, "scontrol": controller.scontrol,
             "sinfo": controller.sinfo}
    if tool not in tools:
        sys.exit(f"fake Slurm: not a command of it: {tool}")
    if tool != "fakectl":
        job_records.note_call(tool, arguments)
    return tools[tool](arguments)
