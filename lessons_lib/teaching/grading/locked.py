"""Starts a program that may read no file of one folder, though any other, and write in one other alone.

    python locked.py HIDDEN WRITABLE MEMORY_GIB PROGRAM ARGUMENTS...

It is Landlock, which Linux offers to any program since 5.13 (https://docs.kernel.org/userspace-api/landlock.html): what
a program gives up, neither it nor what it starts gets back. Newer kernels also take away connections over TCP (6.7) and
signals to processes outside (6.12). Where there is no Landlock the program starts all the same; `offered` says so.
Runs by its path, and imports nothing of the library: it is the first thing that a student's process does.
"""

import ctypes
import os
import sys
from contextlib import suppress
from pathlib import Path

CREATE, ADD_RULE, RESTRICT = 444, 445, 446  # the same numbers on every processor
PATH_BENEATH = 1
EXECUTE, WRITE, READ, LIST = 1, 2, 4, 8
RIGHTS = {
    1: 13,
    2: 14,
    3: 15,
}  # version -> how many rights to files it knows; later ones only add ioctl, which stays free
FILE_RIGHTS = EXECUTE | WRITE | READ | 1 << 14  # those that a file can have; 1 << 14: to cut it
TCP, SCOPES = 3, 3  # bind and connect; abstract sockets and signals
DEVICES = ("/dev/null", "/dev/zero", "/dev/shm", "/dev/tty")
NO_NEW_PRIVILEGES, ADOPT = 38, 36


class _Ruleset(ctypes.Structure):
    _fields_ = [("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scopes", ctypes.c_uint64)]


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32)]


def offered() -> int:
    """The version of Landlock that this system has; 0: none."""
    if not sys.platform.startswith("linux"):
        return 0
    return max(0, ctypes.CDLL(None).syscall(CREATE, None, 0, 1))


def around(hidden: Path) -> list[Path]:
    """The paths that together hold everything but `hidden`, a resolved folder: what stands beside it, and beside each
    folder above it."""
    found, inner = [], hidden
    for folder in hidden.parents:
        with suppress(PermissionError):
            found += [path for path in folder.iterdir() if path != inner and not path.is_symlink()]
        inner = folder
    return found


def lock(hidden: Path, writable: Path) -> None:
    """From here on this process and its children cannot read a file below `hidden`, nor write anything but what is
    below `writable`. Raises OSError where the system refuses."""
    version, libc = offered(), ctypes.CDLL(None, use_errno=True)
    every = (1 << RIGHTS.get(min(version, 3), 0)) - 1
    rules = _Ruleset(every, TCP if version >= 4 else 0, SCOPES if version >= 6 else 0)
    size = 8 * (1 + (version >= 4) + (version >= 6))
    ruleset = _checked(libc.syscall(CREATE, ctypes.byref(rules), size, 0))
    _allow(libc, ruleset, Path("/"), LIST)  # names may be seen: Python lists the folders that it imports from
    for path in around(hidden.resolve()):
        _allow(libc, ruleset, path, EXECUTE | READ | LIST)
    for path in (writable, *map(Path, DEVICES)):
        if path.exists():
            _allow(libc, ruleset, path, every)
    _checked(libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    _checked(libc.syscall(RESTRICT, ruleset, 0))
    os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, rights: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # gone meanwhile, or not ours to see
        return
    rule = _PathBeneath(rights if path.is_dir() else rights & FILE_RIGHTS, opened)
    _checked(libc.syscall(ADD_RULE, ruleset, PATH_BENEATH, ctypes.byref(rule), 0))
    os.close(opened)


def _checked(returned: int) -> int:
    if returned < 0:
        raise OSError(ctypes.get_errno(), f"Landlock: {os.strerror(ctypes.get_errno())}")
    return returned


def limit_memory(gib: float) -> None:
    """A cell that wants more gets MemoryError; and where memory runs out, this process goes before the grader."""
    try:
        import resource
    except ImportError:  # Windows
        return
    most = int(gib * 2**30)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    if os.path.exists("/proc/self/oom_score_adj"):
        Path("/proc/self/oom_score_adj").write_text("1000")


def adopt_orphans() -> None:
    """On Linux, whatever a child of this process leaves running becomes a child of this process."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(ADOPT, 1, 0, 0, 0)


def main(hidden: str, writable: str, gib: str, *program: str) -> None:
    limit_memory(float(gib))
    if hidden and offered():
        lock(Path(hidden), Path(writable))
    os.execvp(program[0], program)


if __name__ == "__main__":
    main(*sys.argv[1:])
