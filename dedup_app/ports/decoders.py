"""Where bytes of strangers become features and pictures."""

from types import TracebackType
from typing import Protocol, Self

from dedup_core.decoding.headers.header import Header
from dedup_core.decoding.working_image import WorkingImage
from dedup_core.features import ImageFeatures


class Decoders(Protocol):
    """Where bytes of strangers become features and pictures: in this process, or in children that hold nothing.

    Everything that decodes a file goes through here; only what is drawn by ourselves may be decoded by
    `dedup_core.decode`. Every method may be called from many threads at once. A context manager, so that a plain
    command gets rid of its children: `with open_decoders(limits) as decoders: decoders.decode(data)`.
    """

    @property
    def isolation(self) -> str:
        """`confined` (children that can only compute), `separate` (children, not confined) or `off` (no children)."""
        ...

    def prepare(self) -> None:
        """Hear that a picture is on its way, and start a decoder meanwhile if there is none yet; returns at once."""
        ...

    def extract_features(self, data: bytes, header: Header | None = None) -> ImageFeatures:
        """As `dedup_core.extract_features` within the limits of the app: raises `UnreadableImage`, `ImageTooLarge`.

        `header` is what `check_header` said of the file within these limits, if it was asked already.
        `TemporaryError` if there is no decoder to be had now: this is nothing about the file.
        """
        ...

    def features_and_picture(self, data: bytes, header: Header | None = None) -> tuple[ImageFeatures, WorkingImage]:
        """What `extract_features` and `decode` give, by one decoding."""
        ...

    def decode(self, data: bytes, header: Header | None = None) -> WorkingImage:
        """As `dedup_core.decode`; raises what `extract_features` raises."""
        ...

    def close(self) -> None:
        """End all children. What is being decoded ends in `TemporaryError`."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...
