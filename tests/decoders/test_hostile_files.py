"""A decoder told to misbehave is stopped, in each way that there is, and the next picture is right."""

import errno
import hashlib
import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from dedup_core.errors import PermanentError, UnreadableImage
from dedup_core.extraction import extract_features
from dedup_decoders.child_process import Patience
from dedup_decoders.pool import DecoderPool
from dedup_decoders.wire import HEAD_BYTES, MAX_BLOCK_BYTES, Kind, frame
from tests.core.odd_files import drawing, encode
from tests.decoders.hostile import PLUGIN, harmless, told_to

RED = [200, 30, 30]
NEEDS_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="seccomp is a part of Linux")


@dataclass
class Told:
    """A pool with the plugin that does what files say, and what it told the log."""

    pool: DecoderPool
    events: list[tuple[str, dict[str, Any]]]

    def color_of(self, data: bytes) -> list[int]:
        pixels = self.pool.decode(data).pixels
        assert (pixels == pixels[0, 0]).all()
        return list(pixels[0, 0])

    def begin_anew(self) -> None:
        while self.pool._idle:
            self.pool._drop(self.pool._idle.pop())

    def children(self) -> set[int]:
        return {child._process.pid for child in self.pool._running}


def told_pool(patience: Patience) -> Iterator[Told]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(PLUGIN))
        events: list[tuple[str, dict[str, Any]]] = []
        with DecoderPool(children=1, patience=patience, tell=lambda event, said: events.append((event, said))) as pool:
            yield Told(pool, events)


@pytest.fixture(scope="module")
def told() -> Iterator[Told]:
    yield from told_pool(Patience())


@pytest.fixture
def impatient() -> Iterator[Told]:
    yield from told_pool(Patience(cpu_seconds=0.5, wall_seconds=2.0))


def refused(told: Told, data: bytes) -> PermanentError:
    with pytest.raises(PermanentError) as caught:
        told.pool.decode(data)
    assert told.color_of(harmless()) == RED
    return caught.value


@pytest.mark.parametrize("command", ["segfault", "abort", "exit"])
def test_a_file_that_ends_its_decoder_is_refused_for_that(told: Told, command: str) -> None:
    assert refused(told, told_to(command)).reason == "decoder-crashed"


@pytest.mark.parametrize("command", ["loop", "wait"])
def test_a_file_that_keeps_its_decoder_busy_is_refused_for_that(impatient: Told, command: str) -> None:
    with pytest.raises(PermanentError) as caught:
        impatient.pool.decode(told_to(command))
    assert caught.value.reason == "decoder-timeout"
    impatient.pool._patience = Patience()  # of the process that takes the place of the one that was ended
    assert impatient.color_of(harmless()) == RED


def test_an_answer_that_comes_byte_by_byte_takes_no_longer_than_any_other(impatient: Told) -> None:
    head = frame(1, Kind.PICTURE, block=bytes(MAX_BLOCK_BYTES))[:HEAD_BYTES]
    impatient.pool._patience = Patience(wall_seconds=0.3)
    with pytest.raises(PermanentError) as caught:
        impatient.pool.decode(told_to("drip", head))
    assert caught.value.reason == "decoder-timeout"


@NEEDS_LINUX
def test_a_file_that_takes_all_memory_takes_none_of_the_app(told: Told) -> None:
    assert refused(told, told_to("memory")).reason == "too-much-memory"


@NEEDS_LINUX
@pytest.mark.parametrize(
    "command",
    ["open", "create", "environment", "connect", "socket", "fork", "exec", "kill-parent", "kill-self", "write-requests",
     "write-errors", "write-foreign", "read-answers", "close", "executable", "ptrace"],
)  # fmt: skip
def test_whatever_is_not_computing_is_not_permitted(told: Told, command: str) -> None:
    assert told.color_of(told_to(command)) == [0, 0, errno.EPERM]
    assert told.color_of(harmless()) == RED


def test_threads_are_allowed_because_codecs_start_them(told: Told) -> None:
    assert told.color_of(told_to("thread")) == RED


def test_the_environment_is_empty(told: Told) -> None:
    assert refused(told, told_to("own-environment")).reason == "corrupt"


def test_no_key_is_ever_in_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that a process forgets stays where the kernel has put it at the start."""
    given: list[Any] = []
    start: Any = subprocess.Popen

    def starting(*arguments: Any, **others: Any) -> Any:
        given.append(others["env"])
        return start(*arguments, **others)

    monkeypatch.setattr(subprocess, "Popen", starting)
    with DecoderPool(children=1) as pool:
        pool.decode(harmless())
    assert [env if env is None else env.keys() - {"SYSTEMROOT"} for env in given] == [set()]


def forged(kind: Kind, text: dict[str, Any], block: bytes = b"", number: int = 2) -> bytes:
    return frame(number, kind, text, block)


LIES = {
    "no frame": b"\xff" * 40,
    "a frame of gigabytes": frame(2, Kind.PICTURE, {})[:13] + b"\xff" * 8,
    "a pickle": forged(Kind.PICTURE, {"picture": "x"}, pickle.dumps(os.getcwd)),
    "an answer to another request": forged(Kind.REFUSED, {}, number=7),
}


@pytest.mark.parametrize("lie", LIES)
def test_an_answer_that_no_decoder_gives_is_refused_and_ends_the_decoder(told: Told, lie: str) -> None:
    """The forged answer is the second of its process, whose first file was harmless, and the first of the next one."""
    told.begin_anew()
    assert told.color_of(harmless()) == RED
    before = told.children()
    error = refused(told, told_to("answer", LIES[lie]))
    assert error.reason == "decoder-crashed"
    assert "nonsense" in str(error)
    assert not before & told.children()


def test_what_a_decoder_says_is_one_short_line(told: Told) -> None:
    said = {"error": "unreadable", "reason": "corrupt", "message": "<b>\x1b[31m\n" + "x" * 5000}
    told.begin_anew()
    with pytest.raises(UnreadableImage) as caught:
        told.pool.decode(told_to("answer", forged(Kind.REFUSED, said, number=1)))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) <= 1000
    assert told.color_of(harmless()) == RED  # the true answer, which came too late, is no answer to the next request


def test_a_decoder_that_was_taken_over_cannot_lie_about_which_file_it_is(told: Told) -> None:
    """The digest, by which files are the same, and the size are found by the app itself."""
    told.color_of(told_to("take-over"))
    data = encode(drawing(96, 64), "PNG")
    lied, true = told.pool.extract_features(data), extract_features(data)
    assert not np.array_equal(lied.layout, true.layout)
    assert (lied.sha256, lied.byte_size, lied.fingerprints.content) == (
        true.sha256, true.byte_size, true.fingerprints.content,
    )  # fmt: skip


def test_the_log_tells_of_every_decoder_that_failed_and_who_is_blamed(told: Told) -> None:
    told.events.clear()
    error = refused(told, told_to("segfault"))
    digest = hashlib.sha256(told_to("segfault")).hexdigest()
    assert digest in str(error)
    assert [said["sha256"] for _, said in told.events] == [digest] * 2
    assert [(event, said["reason"], said["blamed"]) for event, said in told.events] == [
        ("decoder_failed", "decoder-crashed", False),  # in a process that had seen other files
        ("decoder_failed", "decoder-crashed", True),
    ]
    assert f"signal {signal.SIGSEGV:d}" in told.events[-1][1]["cause"]
    assert json.dumps(told.events)
