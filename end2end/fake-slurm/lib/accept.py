"""sbatch: reads a script's directives and enters a job."""
import marshal
import os
import sys
import time

import job_records
import run

FAILED = "sbatch: error: Batch job submission failed: "


class Refusal(Exception):
    pass


def indexes(text):
    """'0-3,7%2' -> ([0, 1, 2, 3, 7], 2)"""
    text, _, limit = text.partition("%")
    found = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if not first.isdigit() or not (last.isdigit() if dash else True):
            raise Refusal("sbatch: error: Invalid job array specification")
        found += range(int(first), int(last or first) + 1)
    return found, int(limit or 0)


def seconds(text):
    """Slurm's time forms: M, M:S, H:M:S, D-H, D-H:M, D-H:M:S."""
    days, _, rest = text.rpartition("-")
    parts = [int(p) for p in rest.split(":")]
    if days:
        hours, minutes, secs = (parts + [0, 0])[:3]
    elif len(parts) == 3:
        hours, minutes, secs = parts
    else:
        hours, minutes, secs = 0, *(parts + [0])[:2]
    return ((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + secs


def directives(script):
    try:
        with open(script) as file:
            lines = file.read().splitlines()
    except OSError:
        raise Refusal(f"sbatch: error: Unable to open file {script}")
    if not lines or not lines[0].startswith("#!"):
        raise Refusal("sbatch: error: This does not look like a batch script.  The first\n"
                      "sbatch: error: line must start with #! followed by the path to an interpreter.")
    found = {}
    for line in lines:
        word, _, rest = line.partition(" ")
        name, equals, value = rest.strip().partition("=")
        if word == "#SBATCH" and equals and name.startswith("--"):
            found[name[2:]] = value.strip()
        elif line.strip() and not line.startswith("#"):
            break
    return found


def read(arguments):
    """The options, which win over the script's directives, and the script."""
    options, script = {}, None
    for argument in arguments:
        if script is None and argument.startswith("--"):
            name, equals, value = argument[2:].partition("=")
            options[name] = value if equals else None
        elif script is None and not argument.startswith("-"):
            script = argument
        else:
            raise Refusal(f"sbatch: unrecognized option '{argument}'")
    known = {"parsable", "export", "comment", "dependency", "exclude", "clusters"}
    for name in options.keys() - known:
        raise Refusal(f"sbatch: unrecognized option '--{name}'")
    if script is None:
        raise Refusal("sbatch: error: no script given")
    return options, script


def build(arguments):
    options, script = read(arguments)
    given = {**directives(script), **options}
    for kind in ("partition", "account"):
        allowed = job_records.setting(kind + "s", "").split()
        if allowed and not set(given.get(kind, allowed[0]).split(",")) <= set(allowed):
            raise Refusal(FAILED + f"Invalid {kind} name specified")
    array, limit = indexes(given["array"]) if "array" in given else ([], 0)
    after = given.get("dependency") or ""
    word, *parents = after.split(":")
    if after and (word != "afterok" or not parents or not all(id.isdigit() for id in parents)):
        raise Refusal(FAILED + "Job dependency problem")
    return {
        "name": given.get("job-name", os.path.basename(script)),
        "comment": given.get("comment") or "",
        "submitted": int(time.time()),
        "submit_line": " ".join(["sbatch", *arguments]),
        "after": [int(parent) for parent in parents],
        "array": bool(array), "limit": limit,
        "walltime": seconds(given.get("time", "60")),
        "chdir": given.get("chdir", os.getcwd()),
        "output": given.get("output", "slurm-%A_%a.out" if array else "slurm-%j.out"),
        "error": given.get("error", ""),
        "eligible": not after, "never": False,
        "gone": [], "past": [],
        "tasks": {i: job_records.new_task() for i in (array or [-1])},
        "export": (given.get("export") or "ALL").split(",")[1:],
        "source": script,
    }


def enter(job, job_id=None):
    """Gives the job its id and, in mode `run`, somebody who runs it."""
    with job_records.lock():
        job["id"] = job_id or job_records.next_id()
        job_records.add(job)
        os.makedirs(job_records.path("spool"), exist_ok=True)
        copy = job_records.path("spool", str(job["id"]))
        with open(job["source"]) as source, open(copy, "w") as spooled:
            spooled.write(source.read())
        os.chmod(copy, 0o755)
    if job_records.setting("mode", "hold") == "run":
        leave_running(job["id"])
    return job["id"]


def forget():
    """The id of a job that the controller loses as soon as it has acknowledged it."""
    with job_records.lock():
        return job_records.next_id()


def leave_running(job_id):
    """A process of its own runs the job: a fork of this one, which need not start an interpreter."""
    if os.fork():
        return
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nothing, stream)
    try:
        run.main(job_id)
    finally:  # also when the test is over and its directory gone
        os._exit(0)


def fail(text):
    print(text, file=sys.stderr)
    return 1


def sbatch(arguments):
    kind, *rest = job_records.fault("sbatch")
    text = rest[0] if rest else ""
    if kind == "kill-parent-before":
        os.kill(os.getppid(), run.SIGKILL)
        return 1
    if kind == "hang":
        time.sleep(3600)
    if kind == "unreachable":
        return fail(FAILED + "Unable to contact slurm controller (connect failure)")
    if kind in ("refuse", "fail"):
        return fail((FAILED if kind == "refuse" else "") + text)
    if kind == "backlog":
        # The controller hangs with the request in its socket: it is read when it wakes up.
        job = build(arguments)
        job_records.write("backlog", marshal.dumps(job))
        return fail(FAILED + "Socket timed out on send/recv operation")
    try:
        job = build(arguments)
        job_id = forget() if kind == "vanish" else enter(job, int(text) if kind == "id" else None)
    except Refusal as refusal:
        return fail(str(refusal))
    if kind == "kill-parent-after":
        os.kill(os.getppid(), run.SIGKILL)
        return 1
    if kind == "hang-after":
        time.sleep(3600)
    if kind == "signal-after":
        os.kill(os.getpid(), run.SIGKILL)
    if kind == "socket-timeout":
        return fail(FAILED + "Socket timed out on send/recv operation")
    print(text or "welcome to the cluster" if kind == "garbage" else job_id)
    return 0
