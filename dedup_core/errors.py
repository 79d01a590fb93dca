"""The two kinds of failure: permanent ones are recorded and finished, temporary ones rise so that the host retries."""


class DedupError(Exception):
    """Anything this project raises on purpose. `reason` is a short kebab-case code that is stored and counted.

    `setting` is the one that says where it was tried, if that is not the storage of the images.
    """

    reason = "error"
    setting = ""

    def __init__(self, message: str, *, reason: str | None = None) -> None:
        super().__init__(message)
        if reason is not None:
            self.reason = reason


class PermanentError(DedupError):
    """Trying again gives the same answer: record it under its reason and finish."""


class InvalidPath(PermanentError):
    """The text does not name a blob."""

    reason = "invalid-path"


class InvalidMessage(PermanentError):
    """The queue message is not one that this app understands."""

    reason = "invalid-message"


class UnreadableImage(PermanentError):
    """The bytes are not an image that can be decoded.

    `reason` is `empty`, `unsupported-format`, `unsupported-variant`, `truncated`, `corrupt` or `too-complex`; where the
    file may be sound and the decoder is at fault, `format-off` (not among the formats that are read here),
    `decoder-outdated` (its library has known holes), `decoder-crashed` or `decoder-timeout`.
    """

    reason = "corrupt"


class ImageTooLarge(PermanentError):
    """More than the limits allow; `reason` is `too-many-bytes`, `too-many-pixels` or `too-much-memory`."""

    reason = "too-many-pixels"


class ImageNotFound(PermanentError):
    """There is no blob under that path (any more)."""

    reason = "not-found"


class TemporaryError(DedupError):
    """Worth another try later: let it rise, the host retries and at last puts the message into the poison queue."""

    reason = "temporary"


class StoreBusy(TemporaryError):
    """Storage answered 408, 429 or 5xx, timed out or dropped the connection."""

    reason = "store-busy"


class InvalidSetting(DedupError):
    """A setting is missing or out of range; the message names it and says what it takes."""

    reason = "invalid-setting"
