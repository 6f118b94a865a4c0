"""sacct and squeue: the records as the real ones print them, with their gaps."""
import os
import sys
import time

import accept
import job_records

GOLDEN_SACCT = "JobID,JobName,CPUTime,CPUTimeRAW,Elapsed,TotalCPU,MaxRSS,State,ExitCode".split(",")
SACCT_FIELDS = {f.lower() for f in GOLDEN_SACCT} | {
    "elapsedraw", "submit", "start", "end", "comment", "submitline", "reason", "nodelist"}


def stamp(when, unknown):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(when)) if when else unknown


def clock(secs):
    days, rest = divmod(secs, 86400)
    text = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    return f"{days}-{text}" if days else text


def fold(numbers):
    """[0, 1, 2, 5] -> '0-2,5'"""
    parts, numbers = [], sorted(numbers)
    while numbers:
        first = last = numbers.pop(0)
        while numbers and numbers[0] == last + 1:
            last = numbers.pop(0)
        parts.append(str(first) if first == last else f"{first}-{last}")
    return ",".join(parts)


def comment_of(job):
    """A job's comment as a site's submit plugin leaves it: `%` in the file stands for what it was."""
    return job_records.setting("comment-as", "%").replace("%", job["comment"])


def cut(label):
    """A list of tasks longer than the file `bitstr` allows is cut short, as Slurm does by default."""
    most = int(job_records.setting("bitstr", "0"))
    head, bracket, rest = label.partition("_[")
    if not most or not bracket or len(rest) <= most:
        return label
    return f"{head}_[{rest[:most].rpartition(',')[0]},...]"


def entries(job, each=False):
    """(id as printed, task) of a job; waiting tasks of an array share one line unless `each`."""
    if each and job["array"]:
        return [(f"{job['id']}_{i}", t) for i, t in job["tasks"].items()]
    if not job["array"]:
        return [(str(job["id"]), job["tasks"][-1])] if -1 in job["tasks"] else []
    waiting = [i for i, t in job["tasks"].items() if t["state"] == "PENDING"]
    found = [(f"{job['id']}_{i}", t) for i, t in job["tasks"].items() if i not in waiting]
    if waiting:
        limit = f"%{job['limit']}" if job["limit"] else ""
        found.insert(0, (f"{job['id']}_[{fold(waiting)}{limit}]", job["tasks"][waiting[0]]))
    return found


def accounting_row(label, job, task, now):
    elapsed = (task["end"] or now) - task["start"] if task["start"] else 0
    return {
        "jobid": label, "jobname": job["name"], "state": task["state"], "exitcode": task["exit"],
        "cputimeraw": elapsed, "elapsedraw": elapsed, "cputime": clock(elapsed),
        "elapsed": clock(elapsed), "totalcpu": clock(elapsed), "maxrss": "",
        "submit": stamp(job["submitted"], "Unknown"), "start": stamp(task["start"], "Unknown"),
        "end": stamp(task["end"], "Unknown"), "reason": "None",
        "comment": "" if job_records.is_set("no-comment") else comment_of(job),
        "nodelist": task.get("node", "") if task["start"] else "None assigned",
        "submitline": job["submit_line"],
    }


def accounting(duplicates, lagging, by_state):
    """Rows of sacct. Jobs that never became eligible are not among them, unless they have ended and
    states are asked for."""
    now, rows = int(time.time()), []
    for job in job_records.jobs(old=duplicates):
        if lagging and job["submitted"] > now - 5:
            continue
        past = [(f"{job['id']}_{i}" if i >= 0 else str(job["id"]), t) for i, t in job["past"]]
        for label, task in (past if duplicates else []) + entries(job):
            if not job["eligible"] and not (by_state and job_records.ended(task)):
                continue
            if lagging and job_records.ended(task):
                task = {**task, "state": "RUNNING", "end": 0, "exit": "0:0"}
            row = accounting_row(label, job, task, now)
            rows.append(row)
            if task["start"]:
                rss = f"{task['rss']}K" if task["end"] else ""
                rows.append({**row, "jobid": f"{label}.batch", "jobname": "batch",
                             "state": row["state"].split()[0], "maxrss": rss,
                             "comment": "", "submitline": ""})
    return rows


def hours(text):
    """'01:15:09' or '30:30.367' -> seconds"""
    total = 0
    for part in text.split(".")[0].replace("-", ":").split(":"):
        total = total * 60 + int(part)
    return total


def replayed(name, delimiter, fields):
    """Rows given by the test, with or without a heading."""
    if not job_records.is_set(name):
        return []
    import csv

    with open(job_records.path(name), newline="") as file:
        rows = [r for r in csv.reader(file, delimiter=delimiter) if r]
    if rows and rows[0][0].lower() == "jobid":
        rows.pop(0)
    return [dict(zip(fields, row)) for row in rows]


def replayed_accounting():
    rows = replayed("sacct.csv", ",", [field.lower() for field in GOLDEN_SACCT])
    for row in rows:
        row["elapsedraw"] = hours(row.get("elapsed", "0"))
        for name in ("submit", "start", "end"):
            row.setdefault(name, "Unknown")
    return rows


def chosen(rows, arguments, id_key, name_key):
    """The rows of the jobs that the options --jobs and --name choose, with their steps."""
    jobs = (option(arguments, "-j", "--jobs") or "").split(",")
    names = (option(arguments, "--name") or "").split(",")
    number = lambda row: str(row[id_key]).partition("_")[0].partition(".")[0].partition("+")[0]
    if jobs != [""]:
        rows = [row for row in rows if number(row) in jobs]
    if names != [""]:
        named = {number(row) for row in rows if row[name_key] in names}
        rows = [row for row in rows if number(row) in named]
    return rows


def too_wide(arguments):
    """Whether more days are asked for than the file `widest` allows (MaxQueryTimeRange)."""
    if not job_records.is_set("widest"):
        return False
    import calendar

    begin = time.strptime(option(arguments, "--starttime"), "%Y-%m-%dT%H:%M:%S")
    end = option(arguments, "--endtime")
    end = time.time() if end == "now" else calendar.timegm(
        time.strptime(end, "%Y-%m-%dT%H:%M:%S"))
    return end - calendar.timegm(begin) > float(job_records.setting("widest", "1")) * 86400 + 1


def answer(tool, lines, kind, text):
    head = job_records.setting(f"{tool}.head", "")
    lines = [line.replace("|", "\x1f") for line in head.splitlines()] + lines
    if kind == "drop":
        import re

        lines = [line for line in lines if not re.search(text, line)]
    if kind == "empty":
        lines = []
    if kind == "garbage":
        text = text.encode().decode("unicode_escape") or "slurm: ???|%$"
        lines = [text, "\udcff\udcfe"] + lines
    out = "".join(line + "\n" for line in lines)
    if kind == "cut":
        out = out[:-5]
    sys.stdout.buffer.write(out.encode("utf-8", "surrogateescape"))
    if kind == "complain":
        print(f"{tool}: error: {text or 'something is wrong'}", file=sys.stderr)
    return 0


def trouble(tool, kind, text):
    """Faults that come instead of an answer."""
    if tool != "sacct" and job_records.is_set("backlog") and not job_records.is_set("awake"):
        print(f"{tool}: error: slurm_load_jobs error: Socket timed out on send/recv operation",
              file=sys.stderr)
        return True
    if kind == "hang":
        time.sleep(3600)
    if kind == "kill-parent":
        os.kill(os.getppid(), 9)
    if kind == "fail":
        print(text or f"{tool}: error: Problem talking to the database: Connection refused",
              file=sys.stderr)
    return kind in ("kill-parent", "fail")


def option(arguments, *names):
    """Value of --name=value, --name value, -n value or -nvalue; None if it is not there."""
    for i, argument in enumerate(arguments):
        for name in names:
            if argument == name:
                return arguments[i + 1] if i + 1 < len(arguments) else ""
            if name.startswith("--") and argument.startswith(name + "="):
                return argument[len(name) + 1:]
    return None


def sacct(arguments):
    kind, *rest = job_records.fault("sacct")
    text = rest[0] if rest else ""
    if trouble("sacct", kind, text):
        return 1
    fields = [f.lower() for f in (option(arguments, "-o", "--format") or "").split(",")]
    old = {"submitline"} if job_records.is_set("no-submitline") else set()
    for field in fields:
        if field not in SACCT_FIELDS - old:
            print(f'sacct: fatal: Invalid field requested: "{field}"', file=sys.stderr)
            return 1
    delimiter = option(arguments, "--delimiter") or "|"
    if job_records.is_set("no-accounting"):
        print("Slurm accounting storage is disabled", file=sys.stderr)
        return 1
    if too_wide(arguments):
        print("sacct: error: slurmdbd: Too wide of a date range in query", file=sys.stderr)
        return int(job_records.setting("widest-status", "1"))
    rows = replayed_accounting()
    rows += accounting("--duplicates" in arguments, kind == "lag",
                       option(arguments, "-s", "--state") is not None)
    rows = chosen(rows, arguments, "jobid", "jobname")
    lines = [delimiter.join(str(row.get(f, "")) for f in fields) for row in rows]
    return answer("sacct", lines, kind, text)


def queue(each=False):
    """Rows of squeue: what waits and runs, and what ended a while ago."""
    now, age = int(time.time()), int(job_records.setting("minjobage", "300"))
    rows = replayed("squeue.csv", ";", ["%i", "%j", "%T", "%M"])
    for job in job_records.jobs():
        verdict = job_records.dependency(job)
        why = {"never": "DependencyNeverSatisfied", "waiting": "Dependency", "met": "Resources"}
        for label, task in entries(job, each):
            if job_records.ended(task) and now - task["end"] > age:
                continue
            pending = task["state"] == "PENDING"
            elapsed = (task["end"] or now) - task["start"] if task["start"] else 0
            rows.append({
                "%i": label if each else cut(label), "%j": job["name"], "%T": task["state"].split()[0],
                "%M": f"{elapsed // 60}:{elapsed % 60:02}", "%k": comment_of(job) or "(null)",
                "%r": why[verdict] if pending else "None",
                "%V": stamp(job["submitted"], "N/A"), "%S": stamp(task["start"], "N/A"),
                "%e": stamp(task["end"], "N/A"),
            })
    return rows


def filled(form, row):
    """A format such as '%i %T' with a row's values."""
    first, *rest = form.split("%")
    return first + "".join(str(row.get("%" + part[:1], "")) + part[1:] for part in rest)


def squeue(arguments):
    kind, *rest = job_records.fault("squeue")
    text = rest[0] if rest else ""
    if trouble("squeue", kind, text):
        return 1
    form = option(arguments, "-o", "--format") or "%i %T"
    every = (option(arguments, "-t", "--states") or "").lower() == "all"
    lines = []
    rows = queue("--array" in arguments)
    for row in chosen(rows, arguments, "%i", "%j"):
        if every or row["%T"] not in job_records.ENDED:
            lines.append(filled(form, row))
    code = answer("squeue", lines, kind, text)
    wake()
    return code


def wake():
    """The controller reads what was in its socket, just after it has answered somebody else."""
    if job_records.is_set("backlog") and job_records.is_set("awake"):
        job = job_records.record("backlog")
        os.unlink(job_records.path("backlog"))
        accept.enter(job)
