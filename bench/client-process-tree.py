"""Runs a command and tells what it and every process that it started cost.

    python3 client-process-tree.py RESULT.json LOG LIMIT_S CORE COMMAND [ARGUMENT ...]

The command may run on every core but CORE. RESULT.json gets the exit code, the CPU seconds of the whole tree (exact:
this process is the one that orphans go to, and it waits for all of them), and samples ten times a second:
[CLOCK_MONOTONIC ns, CPU seconds so far, resident bytes now]. Resident memory is summed over processes, so that a page
which two of them share counts twice.
"""
import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import time

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PAUSE_S = 0.1
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def stats():
    """pid -> (parent, CPU seconds with those of its waited-for children, resident bytes)."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            continue
        found[int(name)] = (int(fields[1]), sum(map(int, fields[11:15])) / TICKS, int(fields[21]) * PAGE)
    return found


def descendants(found):
    """The processes below this one."""
    children = {}
    for pid, (parent, _, _) in found.items():
        children.setdefault(parent, []).append(pid)
    below, todo = [], list(children.get(os.getpid(), []))
    while todo:
        pid = todo.pop()
        below.append(pid)
        todo.extend(children.get(pid, []))
    return below


def waited_s():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def sample():
    found = stats()
    below = descendants(found)
    cpu_s = waited_s() + sum(found[pid][1] for pid in below)
    return [time.monotonic_ns(), round(cpu_s, 4), sum(found[pid][2] for pid in below)], below


def reap(root):
    """Collects what has ended; returns the root's exit code once it has."""
    code = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return code
        if pid == 0:
            return code
        if pid == root:
            code = os.waitstatus_to_exitcode(status)


def main():
    result, log, limit, core, *command = sys.argv[1:]
    os.sched_setaffinity(0, os.sched_getaffinity(0) - {int(core)})
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    with open(log, "wb") as output:
        root = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output).pid
    # After the start, so that it is not inherited: looking must not delay what is looked at. What is idle work gives
    # way at once to everything else in its session; niceness alone would leave it the rest of its slice.
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    start = time.monotonic()
    code, samples, below = None, [], [root]
    while below and not stopped and time.monotonic() - start < float(limit):
        entry, below = sample()
        samples.append(entry)
        ended = reap(root)
        code = ended if code is None else code
        if code is not None and code != 0:
            break
        time.sleep(PAUSE_S)
    timed_out = bool(below) and code is None
    for pid in below:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            break
    report = {
        "code": -9 if timed_out else code,
        "timedOut": timed_out,
        "cpuS": waited_s(),
        "realtimeMinusMonotonicNs": time.time_ns() - time.monotonic_ns(),
        "samples": samples,
    }
    with open(result, "w") as file:
        json.dump(report, file)


main()
