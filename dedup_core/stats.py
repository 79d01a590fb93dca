"""LoaderStats: count, merge, rates."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LoaderStats:
    """Running totals of one or many loaders."""

    images_downloaded: int = 0
    bytes_downloaded: int = 0
    download_failures: int = 0
    decode_failures: int = 0
    comparisons_performed: int = 0
    comparisons_failed: int = 0
    total_download_seconds: float = 0.0
    peak_decoded_bytes: int = 0
    failures_by_reason: dict[str, int] = field(default_factory=dict)
