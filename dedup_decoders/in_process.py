"""The port `Decoders` without any process of its own: for tests, notebooks and `DECODER_ISOLATION=off`."""

from collections.abc import Callable
from threading import Lock
from types import TracebackType
from typing import Self

from dedup_core.decoding.decoder import decode
from dedup_core.decoding.headers.header import Header
from dedup_core.decoding.working_image import WorkingImage
from dedup_core.extraction import extract_features, features_and_picture
from dedup_core.features import ImageFeatures
from dedup_core.limits import DEFAULT_LIMITS, DecodeLimits
from dedup_decoders.ready import Started
from dedup_decoders.ready_here import ready_here


class InProcessDecoders:
    """Decodes where it is called. A decoder that crashes takes the whole process with it."""

    isolation = "off"

    def __init__(self, limits: DecodeLimits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._hear: Started | None = None
        self._lock = Lock()
        self._is_known = False

    def prepare(self) -> None:
        """There is nothing to start."""

    def report_to(self, hear: Started) -> None:
        """Let somebody hear once what decodes here, before the first picture."""
        self._hear = hear

    def do_meanwhile(self, work: Callable[[], object]) -> None:
        """Nobody waits here; what is not done now is done when it is needed."""

    def extract_features(self, data: bytes, header: Header | None = None) -> ImageFeatures:
        self._tell_once()
        return extract_features(data, self._limits, header)

    def features_and_picture(self, data: bytes, header: Header | None = None) -> tuple[ImageFeatures, WorkingImage]:
        self._tell_once()
        return features_and_picture(data, self._limits, header)

    def decode(self, data: bytes, header: Header | None = None) -> WorkingImage:
        self._tell_once()
        return decode(data, self._limits, header)

    def _tell_once(self) -> None:
        with self._lock:
            is_first, self._is_known = not self._is_known, True
        if is_first and self._hear is not None:
            self._hear(ready_here(self._limits, confined=False, why_not="decoding happens in the process of the app"))

    def close(self) -> None:
        """Nothing is held."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
