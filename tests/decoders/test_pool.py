"""Decoder processes give what decoding in this process gives, and come and go without leaving anything behind."""

import gc
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from dedup_app.event_log import invocation
from dedup_core.decoding.decoder import decode
from dedup_core.decoding.formats import ALL_FORMATS
from dedup_core.errors import InvalidSetting, PermanentError, TemporaryError, UnreadableImage
from dedup_core.extraction import extract_features
from dedup_core.features import ImageFeatures
from dedup_core.limits import DecodeLimits
from dedup_decoders import confinement
from dedup_decoders import pool as pool_module
from dedup_decoders.confinement import CannotConfineError
from dedup_decoders.in_process import InProcessDecoders
from dedup_decoders.opening import open_decoders
from dedup_decoders.pool import DecoderPool
from dedup_decoders.ready import Ready
from dedup_decoders.samples import SAMPLES
from dedup_storage.app_decoders import log_decoders
from tests.core.odd_files import drawing, encode, sound_files
from tests.core.test_odd_files import GOLDEN

ROOT = Path(__file__).parent.parent.parent
EVERY_FORMAT = DecodeLimits(formats=ALL_FORMATS)
PNG = encode(drawing(96, 64), "PNG")


@pytest.fixture(scope="module")
def pool() -> Iterator[DecoderPool]:
    with DecoderPool(EVERY_FORMAT, children=2) as pool:
        yield pool


def asked_of(features: ImageFeatures) -> tuple[bytes, object]:
    """What a search is made with, and is not stored: features without it are equal."""
    asked, silent = features.fingerprints.asked, features.fingerprints.silent
    return b"" if asked is None else asked.to_asked_bytes(), None if silent is None else silent.tolist()


def test_every_kind_of_file_gives_the_same_pixels_and_features(pool: DecoderPool) -> None:
    for name, data in sound_files():
        here, there = decode(data, EVERY_FORMAT), pool.decode(data)
        assert np.array_equal(here.pixels, there.pixels), name
        assert (here.format, here.width, here.height) == (there.format, there.width, there.height), name
        assert here.decoded_bytes == there.decoded_bytes, name
        features, picture = pool.features_and_picture(data)
        ours, theirs = extract_features(data, EVERY_FORMAT), pool.extract_features(data)
        assert ours == theirs == features, name
        assert asked_of(ours) == asked_of(theirs) == asked_of(features), name
        assert np.array_equal(here.pixels, picture.pixels), name
        assert here.whole == picture.whole, name


def test_a_page_comes_with_its_fine_luma(pool: DecoderPool) -> None:
    sheet = Image.new("L", (1000, 700), 255)
    sheet.paste(drawing(300, 200), (40, 50))
    data = encode(sheet, "JPEG")
    here, there, (_, picture) = decode(data), pool.decode(data), pool.features_and_picture(data)
    assert here.fine is not None
    assert here.fine.shape == (700, 1000)
    assert np.array_equal(here.fine, there.fine)
    assert np.array_equal(here.fine, picture.fine)


def test_odd_files_end_as_they_do_in_this_process(pool: DecoderPool) -> None:
    def outcome(action: Callable[[bytes], object], data: bytes) -> tuple[str, str]:
        try:
            action(data)
        except PermanentError as error:
            return error.reason, " ".join(str(error).split())
        return "decoded", ""

    for name, (make, _) in GOLDEN.items():
        data = make()
        assert outcome(pool.decode, data) == outcome(lambda it: decode(it, EVERY_FORMAT), data), name


def test_a_large_file_goes_through_shared_memory_and_comes_out_the_same(pool: DecoderPool) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1500, 2000, 3), np.uint8)
    data = encode(Image.fromarray(noise), "PNG", compress_level=0)
    assert len(data) > 9_000_000
    assert pool.extract_features(data) == extract_features(data)
    assert pool.extract_features(PNG) == extract_features(PNG)


def test_many_threads_share_a_few_processes(pool: DecoderPool) -> None:
    files = [data for _, data in sound_files()][::4]
    expected = [extract_features(data, EVERY_FORMAT) for data in files]
    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(pool.extract_features, files)) == expected
    assert len(pool._running) <= 2


def test_nothing_is_started_before_the_first_picture() -> None:
    with DecoderPool(children=1) as pool:
        assert not pool._running
        with pytest.raises(UnreadableImage):
            pool.decode(b"no picture: this needs no decoder to be seen")
        assert not pool._running
        pool.decode(PNG)
        assert len(pool._running) == 1


def test_a_decoder_that_is_prepared_is_the_one_that_is_asked() -> None:
    with DecoderPool(children=2) as pool:
        pool.prepare()
        pool.prepare()
        assert pool.decode(PNG).format == "PNG"
        pool.prepare()
        assert pool.decode(PNG).format == "PNG"
        assert len(pool._running) == 1
    pool.prepare()  # after the end: nothing
    assert not pool._running


def test_the_thread_that_waits_for_the_first_picture_does_what_can_be_done_meanwhile_and_does_it_once() -> None:
    done: list[int] = []
    with DecoderPool(children=1) as pool:
        pool.do_meanwhile(lambda: done.append(threading.get_ident()))
        pool.prepare()
        assert done == []
        for _ in range(2):
            assert pool.decode(PNG).format == "PNG"
            assert done == [threading.get_ident()]


@pytest.mark.parametrize("error", [ImportError("no such module"), OSError("too many open files")])
def test_a_picture_does_not_fail_for_what_could_not_be_loaded_meanwhile(error: Exception) -> None:
    def fail() -> None:
        raise error

    with DecoderPool(children=1) as pool:
        pool.do_meanwhile(fail)
        assert pool.decode(PNG).format == "PNG"


def test_of_pictures_that_come_at_once_one_alone_takes_what_can_be_done_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    is_held: list[bool] = []

    def look(pool: DecoderPool) -> object:
        is_held.append(pool._lock.locked())
        return vars(pool)["work"]

    place = property(look, lambda pool, work: vars(pool).update(work=work))
    monkeypatch.setattr(DecoderPool, "_meanwhile", place, raising=False)
    with DecoderPool(children=1) as pool:
        assert pool.decode(PNG).format == "PNG"
    assert is_held == [True]


def test_preparing_in_vain_is_told_to_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with DecoderPool(children=1) as pool:
        pool.prepare()
        with pytest.raises(TemporaryError):
            pool.decode(PNG)


def test_a_process_is_replaced_after_so_many_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "MAX_PICTURES", 2)
    with DecoderPool(children=1) as pool:
        pool.decode(PNG)
        (first,) = pool._running
        pool.decode(PNG)
        assert not pool._running
        assert not psutil.pid_exists(first._process.pid)
        pool.decode(PNG)
        assert len(pool._running) == 1


def test_a_process_that_is_killed_from_outside_is_no_fault_of_the_file() -> None:
    with DecoderPool(children=1) as pool:
        pool.decode(PNG)
        os.kill(next(iter(pool._running))._process.pid, signal.SIGKILL)
        assert pool.decode(PNG).format == "PNG"


def test_after_close_a_picture_is_for_another_try_and_no_process_is_left() -> None:
    pool = DecoderPool(children=1)
    pool.decode(PNG)
    (child,) = pool._running
    pool.close()
    assert not psutil.pid_exists(child._process.pid)
    with pytest.raises(TemporaryError) as caught:
        pool.decode(PNG)
    assert caught.value.reason == "decoders-closed"


def test_decoders_do_not_pile_up_descriptors() -> None:
    with DecoderPool(children=1) as pool:
        pool.decode(PNG)
    gc.collect()
    before = psutil.Process().num_fds()
    pools = 5
    for _ in range(pools):
        with DecoderPool(children=1) as pool:
            pool.decode(PNG)
    # Others that tests before this one have left behind may come or go meanwhile.
    assert psutil.Process().num_fds() < before + pools


def test_a_process_that_cannot_be_started_is_for_another_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with DecoderPool(children=1) as pool, pytest.raises(TemporaryError) as caught:
        pool.decode(PNG)
    assert caught.value.reason == "no-decoder"


def test_confined_refuses_to_start_where_it_cannot_hold_and_separate_says_so_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def cannot() -> None:
        raise CannotConfineError("this is a test")

    events = []
    monkeypatch.setattr(confinement, "check_confinement", cannot)
    with pytest.raises(InvalidSetting, match=r"DECODER_ISOLATION is confined, but .* this is a test"):
        open_decoders(isolation="confined")
    with DecoderPool(children=1, confine=False, tell=lambda event, said: events.append((event, said))) as pool:
        assert pool.isolation == "separate"
        assert pool.extract_features(PNG) == extract_features(PNG)
        pool.decode(PNG)
        assert pool.isolation == "separate"
    assert events == [("decoders_not_confined", {"cause": "it was not asked for"})]


def test_decoders_say_once_what_they_are() -> None:
    told: list[Ready] = []
    late: list[Ready] = []
    with DecoderPool(children=2) as pool, ThreadPoolExecutor(2) as threads:
        pool.report_to(told.append)
        list(threads.map(pool.decode, [PNG] * 8))
    with DecoderPool(children=1) as pool:
        pool.decode(PNG)
        pool.report_to(late.append)
    (ready,) = told
    assert late == [ready]
    assert ready.decoders["PNG"].startswith("readers ")
    assert ready.outdated == {}
    off: list[Ready] = []
    with open_decoders(isolation="off") as decoders:
        assert isinstance(decoders, InProcessDecoders)
        decoders.report_to(off.append)
        decoders.decode(PNG)
        decoders.extract_features(PNG)
    assert [it.decoders for it in off] == [ready.decoders]


def test_what_is_told_of_a_decoder_belongs_to_whoever_asked_it(caplog: pytest.LogCaptureFixture) -> None:
    with DecoderPool(children=1, confine=False, tell=log_decoders) as pool:
        with invocation("first"):
            pool.decode(PNG)
        (child,) = pool._running
        os.kill(child._process.pid, signal.SIGKILL)
        with invocation("second"):
            pool.decode(PNG)
    lines = [json.loads(line) for line in caplog.messages]
    assert [(it["event"], it.get("invocation")) for it in lines] == [
        ("decoders_not_confined", "first"),
        ("decoder_failed", "second"),
    ]


def test_every_format_has_a_sample_that_loads_what_it_needs() -> None:
    assert set(SAMPLES) == ALL_FORMATS
    for name, data in SAMPLES.items():
        assert decode(data, EVERY_FORMAT).format == name


PROGRAM = """
import sys, time
from dedup_decoders.pool import DecoderPool
from dedup_decoders.samples import SAMPLES
{before}
pool = DecoderPool(children=1)
pool.decode(SAMPLES["PNG"])
print(next(iter(pool._running))._process.pid, flush=True)
{after}
"""


ENDS_SECONDS = 60  # only what fails takes so long


def start(after: str, before: str = "") -> tuple[subprocess.Popen[str], psutil.Process]:
    """An app with a decoder, and that process: what the app does `after` must not end it before it was looked at."""
    app = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(before=before, after=after)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert app.stdout is not None
    return app, psutil.Process(int(app.stdout.readline()))


@pytest.mark.parametrize("busy", [False, True])
def test_decoders_end_with_an_app_that_is_killed(busy: bool) -> None:
    """Idle by the end of their pipe, and busy by the kernel: `busy` stops the process, so that it cannot look."""
    app, child = start("time.sleep(60)")
    if busy:
        child.suspend()
    app.kill()
    app.wait()
    child.wait(timeout=ENDS_SECONDS)


def test_decoders_end_with_an_app_that_ends() -> None:
    app, child = start("sys.stdin.readline()")
    app.communicate("end\n", timeout=ENDS_SECONDS)
    assert app.returncode == 0
    child.wait(timeout=ENDS_SECONDS)


def test_a_copy_of_the_app_made_by_fork_has_decoders_of_its_own() -> None:
    after = """
import os
copy = os.fork()
if copy == 0:
    pool.decode(SAMPLES["JPEG"])
    pool.close()
    os._exit(7)
code = os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1])
pool.decode(SAMPLES["JPEG"])
pool.close()
sys.exit(code)
"""
    app, child = start(after)
    assert app.wait(timeout=ENDS_SECONDS) == 7
    child.wait(timeout=ENDS_SECONDS)


def test_a_program_without_a_main_module_can_decode() -> None:
    """Azure's worker imports the app; nothing of ours may need `__main__`."""
    before = "del sys.modules['__main__']"
    app, child = start("sys.stdin.readline(); pool.close()", before)
    app.communicate("close\n", timeout=ENDS_SECONDS)
    assert app.returncode == 0
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_a_first_picture_costs_a_start_and_no_more() -> None:
    """Not a time, but what it is made of: one process, ready before it is asked, and no second one for one picture."""
    with DecoderPool() as pool:
        pool.decode(PNG)
        pool.decode(PNG)
        assert len(pool._running) == 1
