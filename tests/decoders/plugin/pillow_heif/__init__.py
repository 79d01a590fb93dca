"""A decoder plugin that does what a file tells it to: what a hostile file makes of a decoder with a hole.

Stands in for pillow-heif in decoder processes whose path begins with this folder. A file is `tests.decoders.hostile`'s.
"""

import ctypes
import errno
import mmap
import os
import pathlib
import signal
import socket
import struct
import threading
from dataclasses import replace
from types import SimpleNamespace

from PIL import Image, ImageFile

options = SimpleNamespace()


def libheif_version() -> str:
    return "99.0"


def libheif_info() -> dict[str, dict[str, str]]:
    return {"decoders": {"libde265": "a stand-in, version 99.0"}}


def HeifImageFile(file):  # noqa: N802 - the name that the app asks for
    data = file.read()
    command, _, argument = data.partition(b"DO:")[2].partition(b" ")
    color = (200, 30, 30)
    if command:
        try:
            COMMANDS[command.decode()](argument)
        except OSError as error:
            color = (0, 0, error.errno)
    picture = Image.new("RGB", (64, 64), color)
    picture.__class__ = _Opened
    return picture


class _Opened(ImageFile.ImageFile):
    """A picture that is there already, and counts as a file that was opened."""

    def load(self):
        return None

    def close(self):
        return None


def use_memory(_argument):
    held = []
    while True:
        held.append(bytearray(64 * 1024 * 1024))


def loop(_argument):
    while True:
        pass


def start_thread(_argument):
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()


def answer(argument):
    """Write bytes to the pipe of the answers, as if they were one."""
    os.write(1, argument)


def drip(argument):
    """Write the head of an answer and then byte after byte of it, for ever."""
    os.write(1, argument)
    while True:
        os.write(1, b" ")
        threading.Event().wait(0.01)


def take_over(argument):
    """From now on give every file the features and the picture of a black square of this format."""
    from dedup_decoders import serving

    real = serving.decode

    def lie(data, limits, **options):
        working = real(data, limits, **options)
        return replace(working, pixels=working.pixels * 0)

    serving.decode = lie


def call(number, *arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(number, *arguments) == -1:
        raise OSError(ctypes.get_errno(), "refused")


COMMANDS = {
    "segfault": lambda _: ctypes.string_at(0),
    "abort": lambda _: os.abort(),
    "exit": lambda _: os._exit(0),
    "loop": loop,
    "wait": lambda _: os.read(0, 1),
    "memory": use_memory,
    "thread": start_thread,
    "open": lambda _: pathlib.Path("/etc/passwd").read_text(),
    "create": lambda _: pathlib.Path("/tmp/dedup-hostile").write_text("here"),
    "environment": lambda _: pathlib.Path(f"/proc/{os.getppid()}/environ").read_bytes(),
    "own-environment": lambda _: os.environ["PATH"],
    "connect": lambda _: socket.create_connection(("127.0.0.1", 80)),
    "socket": lambda _: socket.socket(),
    "fork": lambda _: os.fork(),
    "exec": lambda _: os.execv("/bin/true", ["true"]),
    "kill-parent": lambda _: os.kill(os.getppid(), signal.SIGTERM),
    "kill-self": lambda _: os.kill(os.getpid(), signal.SIGKILL),
    "write-requests": lambda _: os.write(0, b"x"),
    "write-errors": lambda _: os.write(2, b"x"),
    "write-foreign": lambda _: os.write(7, b"x"),
    "read-answers": lambda _: os.read(1, 1),
    "close": lambda _: os.close(1),
    "executable": lambda _: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC),
    "ptrace": lambda _: call(101, 16, os.getppid(), 0, 0) if os.uname().machine == "x86_64" else os.fork(),
    "answer": answer,
    "drip": drip,
    "take-over": take_over,
    "say-nothing-more": lambda _: struct.pack("<I", errno.EPERM),
}
