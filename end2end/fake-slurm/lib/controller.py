"""scontrol and sinfo: what the controller says of itself."""
import sys

import ask
import job_records


def partitions():
    """Lines `NAME MAXTIME MEMORY CPUS` of the file `limits`: partition, walltime, megabytes and
    processors of a node. Without the file, one partition without limits."""
    text = job_records.setting("limits", "short infinite 999999999 64")
    return [line.split() for line in text.splitlines() if line.strip()]


def scontrol(arguments):
    kind, *rest = job_records.fault("scontrol")
    if ask.trouble("scontrol", kind, rest[0] if rest else ""):
        return 1
    lines = []
    if arguments[-2:] == ["show", "config"]:
        lines = ["Configuration data as of 2026-11-22T09:59:00",
                 f"ClusterName             = {job_records.setting('cluster', 'fake')}",
                 "MinJobAge               = 300 sec"]
    elif "partition" in arguments:
        for name, time, *_ in partitions():
            time = "UNLIMITED" if time == "infinite" else time
            most = job_records.setting("max-mem-per-node", "UNLIMITED")
            lines.append(f"PartitionName={name} AllowGroups=ALL MaxNodes=UNLIMITED MaxTime={time} "
                         f"MaxMemPerNode={most} State=UP")
    sys.stdout.write("".join(line + "\n" for line in lines))
    return 0


def sinfo(arguments):
    kind, *rest = job_records.fault("sinfo")
    if ask.trouble("sinfo", kind, rest[0] if rest else ""):
        return 1
    form = ask.option(arguments, "-o", "--format") or "%R"
    for name, time, memory, cpus in partitions():
        row = {"%R": name, "%l": time, "%m": memory, "%c": cpus}
        print(ask.filled(form, row))
    return 0
