"""What a scan remembers: all of it comes back as it was, and a scan that was stopped goes on where it was."""

import hashlib

import numpy as np
import pytest

from dedup_app.scan.folder_scan import FolderScan, ScanReport
from dedup_app.scan.memory import Contents, MadeOfFile, ScanMemory
from dedup_core.comparison.measure import measure_all, measure_images
from dedup_core.decoding.decoder import decode
from dedup_core.extraction import extract_features
from dedup_core.fingerprinting.keypoints import Keypoints
from dedup_core.groups.facts import ImageFacts
from dedup_core.policy import BALANCED
from dedup_core.views import View
from dedup_decoders.in_process import InProcessDecoders
from tests.core.pictures import encoded, hue_shifted, scene

SHOWN = scene(1, (240, 180))


class Recalling(dict[bytes, bytes]):
    def put(self, key: bytes, value: bytes) -> None:
        self[key] = value


class Folder:
    """Files in a dict, each with a stamp of its own; `stop_after` comparisons somebody presses Ctrl-C."""

    def __init__(self) -> None:
        marked = SHOWN.copy()
        marked.paste("white", (40, 100, 120, 140))
        self.contents = {
            "a.png": encoded(SHOWN),
            "b.jpg": encoded(SHOWN.resize((160, 120)), "JPEG"),
            "c.png": encoded(marked),
            "d.png": encoded(hue_shifted(SHOWN, 40)),
        }
        self.recalled = Recalling()
        self.read: list[str] = []
        self.comparisons = 0
        self.stop_after = 1_000

    def scan(self) -> ScanReport:
        self.read, self.comparisons = [], 0
        memory = ScanMemory(self.recalled, self.stamp)
        walk = FolderScan(InProcessDecoders(), self._read, BALANCED, threads=1, measure=self._measure, memory=memory)
        return walk.scan(sorted(self.contents))

    def stamp(self, name: str) -> bytes | None:
        return hashlib.sha256(name.encode() + self.contents[name]).digest()

    def _read(self, name: str) -> bytes:
        self.read.append(name)
        return self.contents[name]

    def _measure(self, one, others):
        if self.comparisons + len(others) > self.stop_after:
            raise KeyboardInterrupt
        self.comparisons += len(others)
        return measure_all(one, others)


def test_a_second_scan_reads_nothing_and_says_the_same():
    folder = Folder()
    first = folder.scan()
    assert (len(first.groups), len(first.look_alikes), folder.comparisons) == (1, 1, first.comparisons)
    assert folder.scan() == first
    assert (folder.read, folder.comparisons) == ([], 0)


def test_a_scan_that_was_stopped_goes_on_where_it_was():
    folder = Folder()
    everything = Folder().scan()
    folder.stop_after = 1
    with pytest.raises(KeyboardInterrupt):
        folder.scan()
    folder.stop_after = 1_000
    assert folder.scan() == everything
    assert folder.comparisons == everything.comparisons - 1
    assert len(folder.read) == len(set(folder.read))  # for their pictures alone, not for what they are found by


def test_a_file_that_changed_is_read_anew():
    folder = Folder()
    folder.scan()
    folder.contents["b.jpg"] = encoded(scene(2, (240, 180)))
    report = folder.scan()
    assert folder.read == ["b.jpg"]
    assert report.groups == ()


def test_a_file_that_is_written_to_while_it_is_read_is_not_remembered():
    folder = Folder()
    stamps = iter(range(1_000))
    folder.stamp = lambda name: None if name != "a.png" else next(stamps).to_bytes(8)
    folder.scan()
    assert not [key for key in folder.recalled if len(key) == 8]


@pytest.mark.parametrize("shown", [SHOWN, scene(2, (40, 30)).resize((1, 1))], ids=["scene", "flat"])
def test_a_file_comes_back_as_it_was(shown):
    features = extract_features(encoded(shown))
    made = MadeOfFile(ImageFacts.of(b"", "", features), features.fingerprints)
    back = MadeOfFile.from_bytes(made.to_bytes())
    assert back == made
    assert back.fingerprints.asked is not None
    asked = Keypoints.none() if made.fingerprints.asked is None else made.fingerprints.asked
    assert back.fingerprints.asked.to_asked_bytes() == asked.to_asked_bytes()
    assert np.array_equal(back.fingerprints.silent, made.fingerprints.silent)


def test_a_measurement_comes_back_to_the_last_bit():
    memory = ScanMemory(Recalling(), lambda _: b"")
    whole = decode(encoded(scene(1, (480, 400))))
    part = decode(encoded(scene(1, (480, 400)).crop((0, 0, 317, 400)), "JPEG"))
    for view in (None, View.UPRIGHT):
        measured, contents = measure_images(whole, part, view), Contents(b"1" * 16, b"2" * 16, view)
        assert measured.regions
        assert measured.sides.left.shared not in (0.0, 1.0)
        memory.keep_pair(contents, measured)
        assert memory.pair(contents) == measured
        assert memory.pair(Contents(contents.right, contents.left, view)) is None
