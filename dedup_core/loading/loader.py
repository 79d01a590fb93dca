"""MemoryEfficientImageLoader: a single download per image and comparison, all metrics in one pass."""

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from threading import BoundedSemaphore, Lock
from typing import TYPE_CHECKING, Any, Self

from dedup_core.comparison.measurement import PairMeasurement
from dedup_core.decoding.headers.header import Header
from dedup_core.decoding.working_image import WorkingImage
from dedup_core.errors import DedupError, InvalidSetting
from dedup_core.limits import DEFAULT_LIMITS, DecodeLimits
from dedup_core.loading.budget import FileRoom, LoadBudgets
from dedup_core.loading.source import SourceImage
from dedup_core.loading.stats import LoaderStats
from dedup_core.paths import ImagePath
from dedup_core.views import View

if TYPE_CHECKING:
    from dedup_core.comparison.alignment.seen_image import SeenImage


@dataclass(frozen=True, slots=True)
class LoadedImage:
    """A small working image and where it came from; the encoded bytes are gone."""

    path: ImagePath
    etag: str
    sha256: str
    seen: "SeenImage"

    @classmethod
    def of(cls, path: ImagePath, etag: str, sha256: str, working: WorkingImage) -> Self:
        """An image that was read and decoded already."""
        from dedup_core.comparison.alignment.seen_image import SeenImage  # noqa: PLC0415 - as where it is measured

        return cls(path, etag, sha256, SeenImage(working))

    @property
    def working(self) -> WorkingImage:
        return self.seen.working


type ReadImage = Callable[[ImagePath], SourceImage | bytes]
type DecodeImage = Callable[[bytes, Header], WorkingImage]


class MemoryEfficientImageLoader:
    """Loads images for comparison: one read each, kept only as small working images, everything counted.

    `read` fetches the encoded bytes of a path and raises a `DedupError` when it cannot; generated images (`test://`)
    are drawn and never reach it. `decode` turns them into a working image, given the header that was checked for the
    budgets: `dedup_core.decode` within the limits, unless another process is to do it. A failure is an exception,
    never a number. May be used from several threads, which share the memory that `budgets` allows; no more than
    `at_once` of them compare at the same time, each of which takes some 10 MB.
    """

    def __init__(
        self,
        read: ReadImage | None = None,
        limits: DecodeLimits = DEFAULT_LIMITS,
        budgets: LoadBudgets | None = None,
        decode: DecodeImage | None = None,
        at_once: int | None = None,
    ) -> None:
        self._read = read
        self._decode_image = decode or partial(_decode_here, limits=limits if budgets else None)
        self._budgets = budgets or LoadBudgets(limits)
        self._turn: AbstractContextManager[Any] = BoundedSemaphore(at_once) if at_once else nullcontext()
        self._stats = LoaderStats()
        self._lock = Lock()

    def load(self, path: ImagePath | str) -> LoadedImage:
        """Read and decode one image; the encoded bytes and the full-size pixels are gone when it returns."""
        path = _as_path(path)
        with self._budgets.file() as room:
            source = self._fetch(path)
            working = self._decode(source.data, room)
            return LoadedImage.of(path, source.etag, hashlib.sha256(source.data).hexdigest(), working)

    def load_image_pair_for_comparison(
        self, left: ImagePath | str, right: ImagePath | str
    ) -> tuple[LoadedImage, LoadedImage]:
        """Both images, each read once; the same image on both sides is read once altogether."""
        left, right = _as_path(left), _as_path(right)
        try:
            left_image = self.load(left)
            return left_image, left_image if left == right else self.load(right)
        except Exception:
            self.count_failed_comparisons(1)
            raise

    def measure(self, left: LoadedImage, right: LoadedImage, hint: View | None = None) -> PairMeasurement:
        """Compare two loaded images in one pass; `hint` is the view in which the candidate index found them."""
        return self.measure_pictures(left.seen, right.seen, hint)

    def measure_pictures(self, left: "SeenImage", right: "SeenImage", hint: View | None = None) -> PairMeasurement:
        """The same of pictures, wherever they come from."""
        from dedup_core.comparison.measure import measure_images  # noqa: PLC0415 - loaded by the first comparison

        try:
            with self._turn:
                measurement = measure_images(left, right, hint)
        except Exception as error:
            self._count(comparisons_failed=1, failures_by_reason=_one_failure(error))
            raise
        self._count(comparisons_performed=1)
        return measurement

    def compute_all_color_metrics(self, left: ImagePath | str, right: ImagePath | str) -> dict[str, float]:
        """`dominant_distance`, `pixel_difference` and `histogram_correlation` from a single read of each image."""
        return self.measure(*self.load_image_pair_for_comparison(left, right)).metrics.as_dict()

    def compute_dominant_color_distance(self, left: ImagePath | str, right: ImagePath | str) -> float:
        """CIELAB distance between the whole palettes, 0 = same. Who wants more than one metric takes all at once."""
        return self.compute_all_color_metrics(left, right)["dominant_distance"]

    def compute_pixel_difference(self, left: ImagePath | str, right: ImagePath | str) -> float:
        """Mean CIELAB difference of the aligned pixels, 0 = same."""
        return self.compute_all_color_metrics(left, right)["pixel_difference"]

    def compute_histogram_correlation(self, left: ImagePath | str, right: ImagePath | str) -> float:
        """Pearson correlation of the color histograms, -1..1, 1 = same."""
        return self.compute_all_color_metrics(left, right)["histogram_correlation"]

    @property
    def stats(self) -> LoaderStats:
        """The totals since the last reset."""
        with self._lock:
            return self._stats

    def get_stats(self) -> dict[str, Any]:
        """The totals since the last reset with the rates that follow from them, ready for JSON."""
        return self.stats.as_dict()

    def reset_stats(self) -> LoaderStats:
        """Start again at zero; returns the totals until now, so that nothing counted in between gets lost."""
        with self._lock:
            totals, self._stats = self._stats, LoaderStats()
            return totals

    def count_failed_comparisons(self, count: int) -> None:
        """Count comparisons that could not be made, because an image that they need could not be loaded."""
        self._count(comparisons_failed=count)

    def count_comparisons_without_reads(self, count: int) -> None:
        """Count comparisons whose numbers are known without loading the images, because their bytes are the same."""
        self._count(comparisons_performed=count)

    def read_with(self, read: ReadImage) -> None:
        """Fetch images with another reader from now on; the totals stay."""
        self._read = read

    def _decode(self, data: bytes, room: FileRoom) -> WorkingImage:
        try:
            with room.picture(data) as header:
                working = self._decode_image(data, header)
        except Exception as error:
            self._count(decode_failures=1, failures_by_reason=_one_failure(error))
            raise
        self._count(peak_decoded_bytes=working.decoded_bytes)
        return working

    def _fetch(self, path: ImagePath) -> SourceImage:
        try:
            if path.is_generated:
                from dedup_core.loading.generated import draw_generated_image  # noqa: PLC0415 - rarely needed

                return SourceImage(draw_generated_image(path))
            source = self._read_source(path)
        except Exception as error:
            self._count(download_failures=0 if path.is_generated else 1, failures_by_reason=_one_failure(error))
            raise
        self._count(images_downloaded=1, bytes_downloaded=len(source.data), total_download_seconds=source.seconds)
        return source

    def _read_source(self, path: ImagePath) -> SourceImage:
        if self._read is None:
            raise InvalidSetting(
                f"Nobody told the loader how to read {path}: pass read=, a function that takes an ImagePath and "
                "returns the bytes of the image (or a SourceImage); without it only test:// images can be compared",
                reason="no-reader",
            )
        source = self._read(path)
        return source if isinstance(source, SourceImage) else SourceImage(source)

    def _count(self, **counted: Any) -> None:
        delta = LoaderStats(**counted)
        with self._lock:
            self._stats = self._stats.merge(delta)


def _decode_here(data: bytes, header: Header, limits: DecodeLimits | None) -> WorkingImage:
    """Within these limits, if there are any besides those by which the header was checked."""
    from dedup_core.decoding.decoder import decode  # noqa: PLC0415 - not where another process decodes

    return decode(data, header=header) if limits is None else decode(data, limits)


def get_memory_efficient_loader(read: ReadImage | None = None) -> MemoryEfficientImageLoader:
    """The loader of this process; `read` is needed once, and only to compare other images than `test://` ones."""
    if read is not None:
        _process_loader.read_with(read)
    return _process_loader


_process_loader = MemoryEfficientImageLoader()


def _as_path(path: ImagePath | str) -> ImagePath:
    return ImagePath.parse(path) if isinstance(path, str) else path


def _one_failure(error: Exception) -> dict[str, int]:
    return {error.reason if isinstance(error, DedupError) else type(error).__name__: 1}
