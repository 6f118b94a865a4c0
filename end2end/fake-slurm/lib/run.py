"""Runs the tasks of one job, as a node does: one process a job, which sbatch leaves behind."""
import os
import time

import job_records

TICK = 0.02
CLOCK = 0.02  # longer than the steps in which file systems keep time
KILL_WAIT = 1.0
SIGTERM, SIGKILL = 15, 9


def pattern(text, job, index):
    """Slurm's file name patterns."""
    out, i = "", 0
    while i < len(text):
        if text[i] != "%":
            out, i = out + text[i], i + 1
            continue
        j = i + 1
        while j < len(text) and text[j].isdigit():
            j += 1
        width = int(text[i + 1:j] or 0)
        values = {"A": job["id"], "j": job["id"], "a": max(index, 0), "x": job["name"]}
        kind = text[j:j + 1]
        out += str(values[kind]).zfill(width) if kind in values else text[i:j + 1]
        i = j + 1
    return out


def environment(job, index):
    env = {k: v for k, v in os.environ.items() if k != "FAKE_SLURM"}
    env.update(pair.split("=", 1) for pair in job["export"] if "=" in pair)
    env.update(SLURM_JOB_ID=str(job["id"]), SLURM_JOB_NAME=job["name"],
               SLURM_SUBMIT_DIR=job["chdir"])
    if index >= 0:
        env.update(SLURM_ARRAY_JOB_ID=str(job["id"]), SLURM_ARRAY_TASK_ID=str(index))
    return env


def start(job, index):
    """The child, or None if its directories are not there (Slurm says FAILED 0:53)."""
    import subprocess  # here, since the commands that do not run jobs start faster without it

    out = os.path.join(job["chdir"], pattern(job["output"], job, index))
    err = os.path.join(job["chdir"], pattern(job["error"], job, index)) if job["error"] else None
    try:
        with open(out, "ab") as stdout:
            with open(err, "ab") if err else open(out, "ab") as stderr:
                return subprocess.Popen([job_records.path("spool", str(job["id"]))], cwd=job["chdir"],
                                        env=environment(job, index), stdin=subprocess.DEVNULL,
                                        stdout=stdout, stderr=stderr, start_new_session=True)
    except OSError:
        return None


def verdict(job, index):
    """What the file `ends` says about a task: NAME TASK STATE EXIT."""
    for line in job_records.setting("ends", "").splitlines():
        words = line.split()
        if len(words) == 4 and words[0] == job["name"] and words[1] in (str(index), "*"):
            return words[2], words[3]
    return None


class Running:
    """A task under way: its child, and how it is to be called once that has ended."""

    def __init__(self, child, deadline, end):
        self.child, self.deadline, self.end, self.kill_at = child, deadline, end, None
        if end:
            self.stop(end)

    def stop(self, end):
        if self.kill_at is None:
            self.end, self.kill_at = end, time.time() + KILL_WAIT
            self.signal(SIGTERM)

    def signal(self, number):
        try:
            os.killpg(self.child.pid, number)
        except ProcessLookupError:
            pass

    def is_due(self):
        """Whether the child has ended, or is to be called to its end."""
        now = time.time()
        if now > self.deadline or (self.kill_at and now > self.kill_at):
            return True
        peek = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.child.pid, peek) is not None

    def poll(self):
        """(state, exit, kB) once it has ended."""
        if self.kill_at and time.time() > self.kill_at:
            self.signal(SIGKILL)
        elif time.time() > self.deadline:
            self.stop(("TIMEOUT", "0:0"))
        pid, status, usage = os.wait4(self.child.pid, os.WNOHANG)
        if not pid:
            return None
        if self.end:
            return (*self.end, usage.ru_maxrss)
        if os.WIFSIGNALED(status):
            return "FAILED", f"0:{os.WTERMSIG(status)}", usage.ru_maxrss
        code = os.WEXITSTATUS(status)
        return ("FAILED" if code else "COMPLETED"), f"{code & 127}:0", usage.ru_maxrss


def step(job, running):
    """One look at everything; returns whether the job's record changed."""
    changed = False
    for index, task in list(job["tasks"].items()):
        at_work = running.get(index)
        if at_work:
            if task["state"].startswith("CANCELLED") or task.pop("cancel", None):
                at_work.stop((f"CANCELLED by {os.getuid()}", "0:15"))
            result = at_work.poll()
            if result:
                del running[index]
                task["rss"] = result[2]
                job_records.settle(task, result[0], result[1])
                changed = True
        elif task["state"] == "PENDING" and len(running) < slots(job):
            child = start(job, index)
            changed = True
            if child:
                running[index] = Running(child, time.time() + job["walltime"], verdict(job, index))
                job_records.settle(task, "RUNNING")
                task["pid"] = child.pid
            else:
                job_records.settle(task, "FAILED", "0:53")
    return changed


def slots(job):
    return min(job["limit"] or 1000, int(job_records.setting("cpus", "4")))


def stamp():
    """When a record was last written; None while another write could still bear the same time."""
    try:
        written = os.stat(job_records.path("jobs")).st_mtime
    except FileNotFoundError:
        return None
    return written if time.time() - written > CLOCK else None


def wait(seen, running):
    """Until there may be something to do. This costs a fraction of a look, and many jobs may wait."""
    time.sleep(TICK)
    while seen is not None and stamp() == seen and not any(t.is_due() for t in running.values()):
        time.sleep(TICK)


def main(job_id):
    running = {}
    while True:
        seen = stamp()
        job = None
        if os.path.isdir(job_records.path("jobs")):
            with job_records.lock():
                job = job_records.load(job_id)
                if job:
                    met = job_records.dependency(job)
                    if met == "met" and not job["eligible"]:
                        job["eligible"] = True
                        job_records.save(job)
                    if met == "met" and step(job, running):
                        job_records.save(job)
        if job is None:
            # The test's directory is gone, or the controller forgot the job.
            for task in running.values():
                task.signal(SIGKILL)
            return
        if not running and not any(t["state"] == "PENDING" for t in job["tasks"].values()):
            return
        wait(seen, running)
