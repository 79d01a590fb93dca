"""The port `Decoders` without any process of its own: for tests, notebooks and `DECODER_ISOLATION=off`."""

from types import TracebackType
from typing import Self

from dedup_core.decoding.decoder import decode
from dedup_core.decoding.working_image import WorkingImage
from dedup_core.features import ImageFeatures, extract_features
from dedup_core.limits import DEFAULT_LIMITS, DecodeLimits


class InProcessDecoders:
    """Decodes where it is called. A decoder that crashes takes the whole process with it."""

    isolation = "off"

    def __init__(self, limits: DecodeLimits = DEFAULT_LIMITS) -> None:
        self._limits = limits

    def extract_features(self, data: bytes) -> ImageFeatures:
        return extract_features(data, self._limits)

    def decode(self, data: bytes) -> WorkingImage:
        return decode(data, self._limits)

    def close(self) -> None:
        """Nothing is held."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
