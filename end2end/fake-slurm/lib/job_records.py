"""What the fake controller knows: one file a job, in the directory that $FAKE_SLURM names.

The commands are called so often that what they import is most of their time: hence records in Python's own
binary form, and modules such as `re` only where they are needed.
"""
import fcntl
import marshal
import os
import sys
import time

DIR = os.environ.get("FAKE_SLURM", "")
ENDED = {
    "COMPLETED", "FAILED", "TIMEOUT", "OUT_OF_MEMORY", "NODE_FAIL", "BOOT_FAIL",
    "DEADLINE", "PREEMPTED", "CANCELLED",
}


def path(*parts):
    return os.path.join(DIR, *parts)


def setting(name, default):
    """A setting is a file of that name in the directory; an empty one counts as set."""
    try:
        with open(path(name)) as file:
            return file.read().strip() or default
    except FileNotFoundError:
        return default


def is_set(name):
    return os.path.exists(path(name))


class lock:
    """Keeps the other commands out for the length of a `with`."""

    def __enter__(self):
        self.file = open(path("lock"), "w")
        fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *_):
        self.file.close()


def write(name, data):
    """Beside, then renamed: a reader sees the old or the new."""
    beside = path(f"{name}.{os.getpid()}")
    with open(beside, "wb") as file:
        file.write(data)
    os.rename(beside, path(name))


def record(*parts):
    """A job as it was saved, or None."""
    try:
        with open(path(*parts), "rb") as file:
            return marshal.load(file)
    except FileNotFoundError:
        return None


def load(job_id):
    return record("jobs", str(job_id))


def save(job):
    write(os.path.join("jobs", str(job["id"])), marshal.dumps(job))


def numbers(name):
    """'1000' -> [1000], '1000.old2' -> [1000, 2]; None for other names."""
    parts = name.split(".old")
    return [int(part) for part in parts] if all(part.isdigit() for part in parts) else None


def jobs(old=False):
    """All jobs by id; with `old`, also those whose id was given to another job."""
    folder = path("jobs")
    names = os.listdir(folder) if os.path.isdir(folder) else []
    wanted = [n for n in names if numbers(n) and (old or n.isdigit())]
    wanted.sort(key=numbers)
    return [job for job in map(load, wanted) if job is not None]


def next_id():
    job_id = int(setting("next_id", "1000"))
    write("next_id", str(job_id + 1).encode())
    return job_id


def add(job):
    """Enters a job; one that had the same id goes to the back of the shelf."""
    os.makedirs(path("jobs"), exist_ok=True)
    here = path("jobs", str(job["id"]))
    if os.path.exists(here):
        n = 0
        while os.path.exists(f"{here}.old{n}"):
            n += 1
        os.rename(here, f"{here}.old{n}")
    save(job)


def new_task():
    return {"state": "PENDING", "exit": "0:0", "start": 0, "end": 0, "rss": 0, "pid": 0}


def settle(task, state, exit_code="0:0"):
    """Ends a task, or puts it into any other state."""
    task["state"] = state
    task["exit"] = exit_code
    word = state.split()[0]
    if word in ENDED:
        task["end"] = int(time.time())
        task["start"] = task["start"] or (0 if word == "CANCELLED" else task["end"])
    elif word != "PENDING":
        task["start"] = task["start"] or int(time.time())


def ended(task):
    return task["state"].split()[0] in ENDED


def dependency(job):
    """'met', 'waiting' or 'never'. An id that nobody knows counts as met, as with the real one."""
    verdict = "met"
    for parent in job["after"]:
        known = load(parent)
        if known is None:
            continue
        states = [t["state"].split()[0] for t in known["tasks"].values()] + known["gone"]
        if any(s in ENDED - {"COMPLETED"} for s in states):
            return "never"
        if any(s != "COMPLETED" for s in states):
            verdict = "waiting"
    return verdict


def fault(tool):
    """Takes the next line of faults/TOOL; one that begins with 'always' stays."""
    name = os.path.join("faults", tool)
    if not is_set(name):
        return ["ok"]
    with lock():
        with open(path(name)) as file:
            lines = [line for line in file.read().splitlines() if line.strip()]
        if not lines:
            return ["ok"]
        words = lines[0].split(None, 2)
        if words[0] == "always":
            return words[1:]
        write(name, ("\n".join(lines[1:]) + "\n").encode())
        return lines[0].split(None, 1)


def note_call(tool, arguments):
    with open(path("calls"), "a") as file:
        file.write(f"{tool} {' '.join(arguments)}\n")
    with open(path("environment"), "a") as file:
        slurms = [n for n in os.environ if n.startswith(("SLURM_", "SBATCH_", "SQUEUE_", "SACCT_"))]
        file.write(f"{tool} {' '.join(sorted(slurms))}\n")


def require():
    if not DIR or not os.path.isdir(DIR):
        sys.exit("fake Slurm: set FAKE_SLURM to an existing directory")
