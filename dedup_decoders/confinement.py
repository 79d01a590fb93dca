"""What a decoder process gives up before it sees a file: every system call but those that computing needs.

A seccomp filter (`man 2 seccomp`) is a small program that the kernel runs before each system call of a process. Ours
answers EPERM to whatever is not on the list. It cannot be taken off again, not even by code that took the process over.
"""

import ctypes
import errno
import os
import struct
import sys
from dataclasses import dataclass
from typing import Final

REQUESTS, ANSWERS, SHARED = 0, 1, 3  # the only descriptors that a decoder process has, besides a deaf stderr

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
SECCOMP_MODE_FILTER: Final = 2
# Instructions of the classic Berkeley packet filter, from linux/bpf_common.h
LOAD, JUMP_EQUAL, JUMP_ANY_BIT, RETURN = 0x20, 0x15, 0x45, 0x06
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050000, 0x80000000
NUMBER_AT, ARCHITECTURE_AT, ARGUMENTS_AT = 0, 4, 16  # in struct seccomp_data
PROT_EXEC: Final = 4
# Of clone, for a thread and nothing else: VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, SETTLS, SETTID, CLEARTID, DETACHED.
THREAD_FLAGS, CLONE_THREAD = 0x007D0F00, 0x00010000


@dataclass(frozen=True, slots=True)
class Machine:
    """An architecture as the kernel names it, and its numbers of the system calls that are needed."""

    audit_name: int
    calls: dict[str, int]


MACHINES: Final = {
    "x86_64": Machine(
        0xC000003E,
        {
            "read": 0, "write": 1, "pread64": 17, "ftruncate": 77, "mmap": 9, "mprotect": 10, "clone": 56,
            "clone3": 435, "munmap": 11, "brk": 12, "mremap": 25, "madvise": 28, "rt_sigprocmask": 14,
            "rt_sigreturn": 15, "sched_yield": 24, "sched_getaffinity": 204, "getpid": 39, "gettid": 186, "futex": 202,
            "set_robust_list": 273, "rseq": 334, "clock_gettime": 228, "getrandom": 318, "restart_syscall": 219,
            "exit": 60, "exit_group": 231,
        },
    ),
    "aarch64": Machine(
        0xC00000B7,
        {
            "read": 63, "write": 64, "pread64": 67, "ftruncate": 46, "mmap": 222, "mprotect": 226, "clone": 220,
            "clone3": 435, "munmap": 215, "brk": 214, "mremap": 216, "madvise": 233, "rt_sigprocmask": 135,
            "rt_sigreturn": 139, "sched_yield": 124, "sched_getaffinity": 123, "getpid": 172, "gettid": 178,
            "futex": 98, "set_robust_list": 99, "rseq": 293, "clock_gettime": 113, "getrandom": 278,
            "restart_syscall": 128, "exit": 93, "exit_group": 94,
        },
    ),
}  # fmt: skip


class CannotConfineError(OSError):
    """A process cannot be confined on this system; says why."""


def check_confinement() -> None:
    """Whether processes can be confined here, in microseconds and without doing it. Raises `CannotConfineError`."""
    _machine()
    if _prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, None) == 0 or ctypes.get_errno() != errno.EFAULT:
        raise CannotConfineError("this kernel, or what this process runs in, takes no seccomp filters")


def confine() -> None:
    """Give up everything but computing, for good. Raises `CannotConfineError`, and then nothing was given up."""
    machine = _machine()
    if len(os.listdir("/proc/self/task")) > 1:  # noqa: PTH208 - pathlib costs 10 ms here
        raise CannotConfineError("a filter holds for the thread that sets it, and there is more than one already")
    program = b"".join(_filter(machine))
    instructions = ctypes.create_string_buffer(program, len(program))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))

    bpf = Program(len(program) // 8, ctypes.addressof(instructions))
    if _prctl(PR_SET_NO_NEW_PRIVS, 1, 0) or _prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(bpf)):
        raise CannotConfineError(f"the kernel refuses the filter: {os.strerror(ctypes.get_errno())}")
    try:
        os.open("/", os.O_RDONLY)
    except PermissionError:
        return
    raise CannotConfineError("the kernel took the filter and does not apply it")


def die_with_parent() -> None:
    """Have the kernel kill this process when the thread that started it ends, even if it computes for ever."""
    if sys.platform == "linux":
        _prctl(PR_SET_PDEATHSIG, 9, 0)


def hide_memory() -> None:
    """No core files, and no other process of the same user may look into this one."""
    if sys.platform == "linux":
        _prctl(PR_SET_DUMPABLE, 0, 0)


def _machine() -> Machine:
    if sys.platform != "linux":
        raise CannotConfineError(f"seccomp is a part of Linux, this is {sys.platform}")
    machine = MACHINES.get(os.uname().machine)
    if machine is None or sys.maxsize < 2**32:
        raise CannotConfineError(f"the system calls of {os.uname().machine} are not known here")
    return machine


def _prctl(option: int, first: int, second: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl.argtypes = (ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong)
    result: int = libc.prctl(option, first, second or None, 0, 0)
    return result


def _filter(machine: Machine) -> list[bytes]:
    """The program: architecture, then call by call. A call whose arguments matter has a small program of its own."""
    calls = dict(machine.calls)
    program = [
        _step(LOAD, ARCHITECTURE_AT),
        _step(JUMP_EQUAL, machine.audit_name, 1, 0),
        _step(RETURN, KILL),
        _step(LOAD, NUMBER_AT),
    ]
    for name, descriptor in (("read", REQUESTS), ("write", ANSWERS), ("pread64", SHARED), ("ftruncate", SHARED)):
        program += _if_call(calls.pop(name), [_load_argument(0), *_allow_if(JUMP_EQUAL, descriptor)])
    for name in ("mmap", "mprotect"):
        program += _if_call(calls.pop(name), [_load_argument(2), *_refuse_if(JUMP_ANY_BIT, PROT_EXEC)])
    no_other_flags = [
        *_refuse_if(JUMP_ANY_BIT, ~THREAD_FLAGS & 0xFFFFFFFF)[:-1],
        *_allow_if(JUMP_ANY_BIT, CLONE_THREAD),
    ]
    program += _if_call(calls.pop("clone"), [_load_argument(0), *no_other_flags])
    # The C library then falls back to clone, whose flags can be looked at here.
    program += _if_call(calls.pop("clone3"), [_step(RETURN, REFUSE | errno.ENOSYS)])
    for number in calls.values():
        program += _if_call(number, [_step(RETURN, ALLOW)])
    return [*program, _step(RETURN, REFUSE | errno.EPERM)]


def _if_call(number: int, then: list[bytes]) -> list[bytes]:
    return [_step(JUMP_EQUAL, number, 0, len(then)), *then]


def _load_argument(number: int) -> bytes:
    """The lower half of an argument: descriptors, protections and flags have no more."""
    return _step(LOAD, ARGUMENTS_AT + 8 * number + (0 if sys.byteorder == "little" else 4))


def _allow_if(test: int, value: int) -> list[bytes]:
    return [_step(test, value, 0, 1), _step(RETURN, ALLOW), _step(RETURN, REFUSE | errno.EPERM)]


def _refuse_if(test: int, value: int) -> list[bytes]:
    return [_step(test, value, 0, 1), _step(RETURN, REFUSE | errno.EPERM), _step(RETURN, ALLOW)]


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
