# What `up` and `down` share. A lab lives in one directory, OSA_TEST_SLURM; there may be several.
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin

base=${OSA_TEST_SLURM:-/tmp/osa-slurm}
# In the order in which they are stopped.
daemons=(slurmd slurmctld slurmdbd mariadbd munged)

say() { printf '%s: %s\n' "slurm/${0##*/}" "$*" >&2; }
die() { say "$*"; exit 1; }

# One `up` or `down` at a time. Daemons must not inherit the lock: they are started with 9>&-.
hold_lock() {
    exec 9>"$base.lock"
    flock -w 120 9 || die "somebody else holds $base.lock"
}

# When the kernel started a process, in its clock ticks; nothing if it is gone or a zombie. A pid
# and this together name a process for good, a pid alone may have been given to another.
start_time() {
    local fields
    fields=$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) || return 0
    set -- $fields
    [ "$1" = Z ] || echo "${20}"
}

# Is this the process that started then?
same() { [ -n "$2" ] && [ "$(start_time "$1")" = "$2" ]; }

# Does the daemon that we recorded still run? Sets pid and started.
alive() {
    pid= started=
    read -r pid started 2>/dev/null <"$base/pid/$1" && same "$pid" "$started"
}
