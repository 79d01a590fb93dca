"""The loader reads each image once, keeps little, counts everything and never turns a failure into a number."""

import gc
import hashlib
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from dedup_core.comparison import measure
from dedup_core.comparison.alignment import seen_image
from dedup_core.decoding import header_check
from dedup_core.decoding.formats import read_header
from dedup_core.errors import ImageNotFound, ImageTooLarge, InvalidPath, InvalidSetting, StoreBusy, UnreadableImage
from dedup_core.limits import DecodeLimits
from dedup_core.loading import loader as loader_module
from dedup_core.loading.budget import LoadBudgets
from dedup_core.loading.loader import MemoryEfficientImageLoader, get_memory_efficient_loader
from dedup_core.loading.source import SourceImage
from dedup_core.paths import ImagePath
from tests.core.pictures import encoded, hue_shifted, scene

A, B, BROKEN, GONE, BUSY = (ImagePath("images", f"{name}.png") for name in ("a", "b", "broken", "gone", "busy"))


class Blobs:
    """Encoded images by path; counts how often each is read."""

    def __init__(self):
        self.reads = Counter()
        self.contents = {A: encoded(scene(1)), B: encoded(scene(2)), BROKEN: b"not an image"}

    def read(self, path: ImagePath) -> SourceImage:
        self.reads[path] += 1
        if path == BUSY:
            raise StoreBusy("503")
        if path not in self.contents:
            raise ImageNotFound(f"{path} is gone")
        return SourceImage(self.contents[path], f"etag of {path.name}", 0.25)


@pytest.fixture
def blobs():
    return Blobs()


@pytest.fixture
def loader(blobs):
    return MemoryEfficientImageLoader(blobs.read)


def test_all_color_metrics_cost_one_read_of_each_image(loader, blobs):
    metrics = loader.compute_all_color_metrics(A, "/images/b.png")
    assert set(metrics) == {"dominant_distance", "pixel_difference", "histogram_correlation"}
    assert blobs.reads == {A: 1, B: 1}
    assert loader.get_stats() == {
        "images_downloaded": 2,
        "bytes_downloaded": len(blobs.contents[A]) + len(blobs.contents[B]),
        "download_failures": 0,
        "decode_failures": 0,
        "comparisons_performed": 1,
        "comparisons_failed": 0,
        "total_download_seconds": 0.5,
        "peak_decoded_bytes": loader.load(A).working.decoded_bytes,
        "failures_by_reason": {},
        "success_rate": 1.0,
        "reads_saved": 4,
    }


def test_each_single_metric_is_the_one_of_all_metrics(loader):
    metrics = loader.compute_all_color_metrics(A, B)
    assert loader.compute_dominant_color_distance(A, B) == metrics["dominant_distance"]
    assert loader.compute_pixel_difference(A, B) == metrics["pixel_difference"]
    assert loader.compute_histogram_correlation(A, B) == metrics["histogram_correlation"]


def test_the_same_image_on_both_sides_is_read_once(loader, blobs):
    assert loader.compute_all_color_metrics(A, "images/a.png") == {
        "dominant_distance": 0.0,
        "pixel_difference": 0.0,
        "histogram_correlation": pytest.approx(1.0),
    }
    assert blobs.reads == {A: 1}


def test_a_loaded_image_knows_where_it_came_from_and_what_its_bytes_were(loader, blobs):
    left, right = loader.load_image_pair_for_comparison(A, B)
    assert (left.path, left.etag, right.path, right.etag) == (A, "etag of a.png", B, "etag of b.png")
    assert left.sha256 == hashlib.sha256(blobs.contents[A]).hexdigest()


def test_encoded_bytes_are_gone_before_anything_is_measured(blobs, monkeypatch):
    class TrackedBytes(bytes):
        alive = 0

        def __init__(self, _):
            type(self).alive += 1

        def __del__(self):
            type(self).alive -= 1

    seen = []

    def measure_and_look(left, right, hint):
        gc.collect()
        seen.append((TrackedBytes.alive, max(left.working.pixels.nbytes, right.working.pixels.nbytes)))
        return original(left, right, hint)

    original = measure.measure_images
    monkeypatch.setattr(measure, "measure_images", measure_and_look)
    large = encoded(scene(3, (1600, 1200)))
    loader = MemoryEfficientImageLoader(lambda _path: TrackedBytes(large))
    loader.compute_all_color_metrics(A, B)
    assert seen == [(0, 512 * 384 * 3)]


def test_a_reader_may_return_plain_bytes(blobs):
    loader = MemoryEfficientImageLoader(lambda path: blobs.contents[path])
    assert loader.load(A).etag == ""
    assert loader.stats.bytes_downloaded == len(blobs.contents[A])


@pytest.mark.parametrize(
    ("path", "error", "counted"),
    [
        (GONE, ImageNotFound, {"download_failures": 1, "images_downloaded": 1, "failures_by_reason": {"not-found": 1}}),
        (BUSY, StoreBusy, {"download_failures": 1, "images_downloaded": 1, "failures_by_reason": {"store-busy": 1}}),
        (
            BROKEN,
            UnreadableImage,
            {"decode_failures": 1, "images_downloaded": 2, "failures_by_reason": {"unsupported-format": 1}},
        ),
    ],
)
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_failure_is_an_error_that_is_counted_and_never_a_number(loader, path, error, counted, side):
    pair = (A, path) if side == "right" else (path, A)
    with pytest.raises(error):
        loader.compute_all_color_metrics(*pair)
    stats = loader.get_stats()
    if side == "left":  # the right image is not read in vain
        counted = counted | {"images_downloaded": counted["images_downloaded"] - 1}
    assert {name: stats[name] for name in counted} == counted
    assert (stats["comparisons_performed"], stats["comparisons_failed"], stats["success_rate"]) == (0, 1, 0.0)


def test_limits_hold_beside_budgets_with_others(blobs):
    loader = MemoryEfficientImageLoader(blobs.read, DecodeLimits(max_pixels=100), LoadBudgets())
    with pytest.raises(ImageTooLarge):
        loader.load(A)


def test_a_header_is_checked_once(blobs, monkeypatch):
    checked = []
    monkeypatch.setattr(
        header_check, "read_header", lambda data, formats: checked.append(data) or read_header(data, formats)
    )
    MemoryEfficientImageLoader(blobs.read).load(A)
    assert checked == [blobs.contents[A]]


def test_limits_hold_for_what_the_loader_decodes(blobs):
    loader = MemoryEfficientImageLoader(blobs.read, DecodeLimits(max_pixels=100))
    with pytest.raises(ImageTooLarge):
        loader.load(A)
    assert loader.stats.failures_by_reason == {"too-many-pixels": 1}


def test_an_error_of_the_readers_own_is_counted_under_its_name():
    def read(path: ImagePath) -> bytes:
        raise ConnectionResetError(path)

    loader = MemoryEfficientImageLoader(read)
    with pytest.raises(ConnectionResetError):
        loader.load(A)
    assert loader.stats.failures_by_reason == {"ConnectionResetError": 1}


def test_test_images_never_reach_the_reader_and_are_really_measured(loader, blobs):
    metrics = loader.compute_all_color_metrics("test://circle?color=red", "test://circle?color=blue")
    assert metrics["pixel_difference"] > 10
    same = loader.compute_all_color_metrics("test://noise?seed=1", "test://noise?seed=1&size=256")
    assert same["pixel_difference"] == 0.0
    assert not blobs.reads
    assert loader.stats.images_downloaded == loader.stats.bytes_downloaded == 0
    assert loader.stats.comparisons_performed == 2


def test_a_test_image_can_be_compared_with_a_stored_one(loader, blobs):
    loader.compute_all_color_metrics("test://solid", A)
    assert blobs.reads == {A: 1}


def test_a_path_that_merely_contains_test_is_read_like_any_other(loader, blobs):
    path = ImagePath("images", "test.png")
    blobs.contents[path] = blobs.contents[A]
    assert loader.compute_all_color_metrics("images/test.png", A)["pixel_difference"] == 0.0
    assert blobs.reads[path] == 1


def test_a_test_image_that_does_not_exist_is_an_error(loader):
    with pytest.raises(InvalidPath, match="test://checker"):
        loader.load("test://unicorn")
    assert loader.stats.failures_by_reason == {"invalid-path": 1}
    assert loader.stats.download_failures == 0


def test_hue_shifted_pixels_differ_as_much_as_measured_directly(loader, blobs):
    blobs.contents[B] = encoded(hue_shifted(scene(1), 120))
    measurement = loader.measure(*loader.load_image_pair_for_comparison(A, B))
    assert measurement.metrics.as_dict() == loader.compute_all_color_metrics(A, B)
    assert measurement.metrics.pixel_difference > 10


def test_an_image_that_is_compared_with_several_is_looked_at_once(loader, blobs, monkeypatch):
    looked_at = []
    really = seen_image.LumaPicture
    monkeypatch.setattr(seen_image, "LumaPicture", lambda working: looked_at.append(working) or really(working))
    paths = [ImagePath("images", f"other {number}.png") for number in range(3)]
    blobs.contents |= {path: encoded(scene(number, (200, 150))) for number, path in enumerate(paths, 5)}
    left = loader.load(A)
    alone = [loader.measure(loader.load(A), loader.load(path)) for path in paths]
    looked_at.clear()
    assert [loader.measure(left, loader.load(path)) for path in paths] == alone
    assert len(looked_at) == 1 + len(paths)


def test_no_more_comparisons_run_at_once_than_it_is_told(blobs, monkeypatch):
    running = [0]
    most = []
    two_are_in = threading.Barrier(2, timeout=20)

    def measure_slowly(left, right, hint):
        running[0] += 1
        two_are_in.wait()
        most.append(running[0])
        two_are_in.wait()
        running[0] -= 1
        return original(left, right, hint)

    original = measure.measure_images
    monkeypatch.setattr(measure, "measure_images", measure_slowly)
    loader = MemoryEfficientImageLoader(blobs.read, at_once=2)
    left, right = loader.load_image_pair_for_comparison(A, B)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: loader.measure(left, right), range(8)))
    assert max(most) <= 2
    assert loader.stats.comparisons_performed == 8


def test_reset_starts_again_at_zero_and_returns_what_was_counted(loader):
    loader.load(A)
    assert loader.reset_stats().images_downloaded == 1
    assert loader.get_stats()["images_downloaded"] == 0


def test_nothing_is_lost_when_threads_count_while_others_reset():
    loader = MemoryEfficientImageLoader(lambda _path: pytest.fail("test images are not read"))
    taken = []

    def count_and_take():
        for _ in range(200):
            loader.count_failed_comparisons(1)
            taken.append(loader.reset_stats().comparisons_failed)

    threads = [threading.Thread(target=count_and_take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(taken) == 800


@pytest.fixture
def process_loader(monkeypatch):
    monkeypatch.setattr(loader_module, "_process_loader", MemoryEfficientImageLoader())


@pytest.mark.usefixtures("process_loader")
def test_the_process_has_one_loader_that_takes_a_reader_once(blobs):
    loader = get_memory_efficient_loader()
    assert loader.compute_all_color_metrics("test://solid", "test://solid")["pixel_difference"] == 0.0
    with pytest.raises(InvalidSetting, match="pass read="):
        loader.load(A)
    assert get_memory_efficient_loader(blobs.read) is loader
    assert get_memory_efficient_loader().load(A).path == A
    assert loader.get_stats()["comparisons_performed"] == 1
