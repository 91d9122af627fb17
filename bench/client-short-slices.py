"""Runs a command with scheduler slices of 0.1 ms, which its processes inherit.

    python3 client-short-slices.py COMMAND [ARGUMENT ...]

The scheduler lets what runs end its slice, some 3 ms, before it turns to what wakes up, unless that one's slice is
shorter (sched_setattr(2), since Linux 6.12): a look at /proc by anything on the machine would keep a client, or the
server that is its clock, from an event for so long. Older kernels, and machines that do not allow it, go on without.
"""
import ctypes
import os
import platform
import struct
import sys

SYSCALL = {"x86_64": 314, "aarch64": 274}.get(platform.machine())
SLICE_NS = 100_000

if SYSCALL is not None:
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    # size, policy (SCHED_OTHER), flags, nice, priority, runtime, deadline, period
    ctypes.CDLL(None).syscall(SYSCALL, 0, struct.pack("IIQiIQQQ", 48, 0, 0, nice, 0, SLICE_NS, 0, 0), 0)
os.execvp(sys.argv[1], sys.argv[1:])
