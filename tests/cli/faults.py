#!/usr/bin/env python3
"""Lets every call that a command makes fail, once at each place, with each errno that it can have.

usage: faults.py TEREDOCTL FAULT.so SERVER CAPTURE [all]

No command crashes or hangs; one that cannot go on says why, with a status of sysexits.h, and never
that all is well without having printed it. Without `all`, the first places of each call, its last one,
and two errnos; `all` takes the first twenty places, as many of the rest, and every errno. Prints TAP.
"""
import concurrent.futures
import errno
import os
import re
import subprocess
import sys
import tempfile

E = {name: getattr(errno, name) for name in dir(errno) if name.startswith("E")}
MEMORY = ["ENOMEM"]
ERRNOS = {
    "socket": ["EMFILE", "EACCES", "ENOBUFS", "EAFNOSUPPORT"],
    "bind": ["EADDRINUSE", "EACCES", "EADDRNOTAVAIL"],
    "connect": ["ENETUNREACH", "EACCES", "EAGAIN"],
    "setsockopt": ["ENOPROTOOPT", "EPERM", "ENOMEM"],
    "sendmsg": ["ENOBUFS", "EPERM", "ENETUNREACH", "EACCES", "EINTR", "ENETDOWN"],
    "sendmmsg": ["ENOBUFS", "EPERM", "ENETUNREACH", "EINTR"],
    "recvmsg": ["EINTR", "EAGAIN", "ENOMEM", "EACCES", "ENETDOWN"],
    "recvmmsg": ["EINTR", "EAGAIN", "ENOMEM", "EACCES", "ECONNREFUSED", "ENETDOWN"],
    "poll": ["EINTR", "ENOMEM", "EINVAL"],
    "timerfd_create": ["EMFILE", "ENOMEM"],
    "signalfd": ["EMFILE", "ENOMEM"],
    "open": ["EMFILE", "EACCES", "ENOENT", "EIO"],
    "openat": ["EMFILE", "EACCES", "ENOENT", "ENOSPC"],
    "fopen": ["EMFILE", "EACCES", "ENOMEM"],
    "read": ["EINTR", "EIO", "EAGAIN"],
    "fflush": ["ENOSPC", "EIO", "EPIPE"],
    "fclose": ["ENOSPC", "EIO"],
    "fdopen": ["ENOMEM", "EMFILE"],
    "renameat": ["ENOSPC", "EACCES", "EXDEV"],
    "getrandom": ["EINTR", "ENOSYS", "EAGAIN"],
    "pipe2": ["EMFILE", "ENFILE"],
    "fork": ["EAGAIN", "ENOMEM"],
    "malloc": MEMORY,
    "calloc": MEMORY,
    "realloc": MEMORY,
    "fopencookie": MEMORY,
    "open_memstream": MEMORY,
}
OTHERS = ["EPERM", "EIO", "ENOMEM"]
# Patience beyond the commands' own: a hang, whatever else the machine does.
LIMIT = 60


def commands(server, capture):
    ask = [server, "--allow-private", "--timeout", "0.3"]
    return {
        "qualify": ["qualify", *ask],
        "qualify, many": ["qualify", *ask, server + ":3545"],
        "qualify, --output": ["qualify", *ask, "--format=json", "--output=out.json"],
        "qualify, --write": ["qualify", *ask, "--write=out.pcap"],
        "check": ["check", server, "--allow-private", "-t", "1"],
        "classify": ["classify", *ask],
        "listen": ["listen", *ask, "--duration", "0.1"],
        "trace": ["trace", "2001:0:7f00:3:0:1:80ff:fffe", "--server", *ask, "--attempts", "1"],
        "bubble": ["bubble", "2001:0:7f00:3:0:1:80ff:fffe", "--to", server, "--wait", "0.1"],
        "serve": ["serve", "--address", "127.0.0.77", "--allow-private", "--duration", "0.1"],
        "serve, workers": ["serve", "--address", "127.0.0.79", "--allow-private", "--duration", "0.1",
                           "--workers", "2"],
        "addr": ["addr", "2001:0:7f00:3:0:1:80ff:fffe"],
        "decode": ["decode", capture],
        "decode, summary": ["decode", "--summary", "--format=json", capture],
        "trace -r": ["trace", "-r", capture],
    }


def run(program, shim, arguments, fault):
    env = dict(os.environ, LD_PRELOAD=shim, FAULT=fault)
    # Not leaks at the end of a run that failed, and nothing of the order of libraries.
    env["ASAN_OPTIONS"] = "detect_leaks=0:verify_asan_link_order=0:allocator_may_return_null=1"
    with tempfile.TemporaryDirectory() as directory:
        try:
            done = subprocess.run([program, *arguments], env=env, cwd=directory, timeout=LIMIT,
                                  stdin=subprocess.DEVNULL, capture_output=True)
        except subprocess.TimeoutExpired:
            return None, b"", b"it hangs"
    return done.returncode, done.stdout, done.stderr


def problem(status, out, err, arguments):
    """What is wrong with how a run ended, or None."""
    if status is None:
        return "hangs"
    if status < 0 or status >= 126:
        return f"ends with {status}: {err[-300:]!r}"
    if status >= 64 and b"teredoctl" not in err:
        return f"ends with {status}, and says nothing"
    if status not in (0, 1, 2, 3) and not 64 <= status <= 78:
        return f"ends with {status}"
    if status == 0 and not out and not any(a.startswith("--output") for a in arguments):
        return "ends with 0, and has printed nothing"
    return None


def places(calls, everything):
    if everything or calls <= 4:
        return sorted({*range(1, min(calls, 20) + 1), *range(20, calls + 1, calls // 20 + 1), calls})
    return sorted({1, 2, 3, calls // 2, calls})


def main():
    program, shim, server, capture, *rest = sys.argv[1:]
    everything = rest == ["all"]
    todo = []
    for name, arguments in commands(server, capture).items():
        status, _, err = run(program, shim, arguments, "count")
        counts = re.findall(rb"^fault ([a-z_]+) ([0-9]+)$", err, re.M)
        if not counts:
            print(f"Bail out! {name}: nothing is counted: {status} {err!r}")
            return 1
        for call, calls in ((c.decode(), int(n)) for c, n in counts):
            errnos = ERRNOS.get(call, OTHERS)
            for n in places(calls, everything):
                for e in errnos if everything else errnos[:2] if n <= 2 else errnos[:1]:
                    todo.append((name, arguments, f"{call}:{n}:{E[e]}", f"{call} {n} of {calls}: {e}"))
    wrong = {}
    runs = {}
    with concurrent.futures.ThreadPoolExecutor(max_workers=4) as pool:
        jobs = [(name, words, arguments, pool.submit(run, program, shim, arguments, fault))
                for name, arguments, fault, words in todo]
        for name, words, arguments, job in jobs:
            runs[name] = runs.get(name, 0) + 1
            what = problem(*job.result(), arguments)
            if what is not None:
                wrong.setdefault(name, []).append(f"{words}: {what}")
    print(f"1..{len(runs)}")
    for n, name in enumerate(runs, 1):
        print(f"{'not ok' if name in wrong else 'ok'} {n} - {name}: {runs[name]} faults, each told or overcome")
        for line in wrong.get(name, []):
            print(f"# {line}")
    return 1 if wrong else 0


sys.exit(main())
