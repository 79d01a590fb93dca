"""LoaderStats: count, merge, rates."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

READS_PER_COMPARISON_BEFORE = 6  # the batch pipeline read both images once for each of its three metrics


@dataclass(frozen=True, slots=True)
class LoaderStats:
    """Running totals of one or many loaders.

    `images_downloaded` counts what really was read (no generated images), `comparisons_performed` the comparisons that
    gave numbers, each time that one was made, `comparisons_failed` the pairs that were given up without numbers,
    `failures_by_reason` each failed read, decode or measurement once. `peak_decoded_bytes` is the largest pixel buffer
    that any decode took.
    """

    images_downloaded: int = 0
    bytes_downloaded: int = 0
    download_failures: int = 0
    decode_failures: int = 0
    comparisons_performed: int = 0
    comparisons_failed: int = 0
    total_download_seconds: float = 0.0
    peak_decoded_bytes: int = 0
    failures_by_reason: dict[str, int] = field(default_factory=dict)

    @property
    def success_rate(self) -> float:
        """Comparisons that gave numbers, of all that were tried, 0..1; 1 while none was."""
        tried = self.comparisons_performed + self.comparisons_failed
        return self.comparisons_performed / tried if tried else 1.0

    @property
    def reads_saved(self) -> int:
        """Reads that the batch pipeline would have needed for the same comparisons, less those that were made."""
        return max(0, READS_PER_COMPARISON_BEFORE * self.comparisons_performed - self.images_downloaded)

    def merge(self, other: Self) -> Self:
        """The totals of both: everything adds up, but of the peaks the larger one counts."""
        sums: dict[str, Any] = {it.name: getattr(self, it.name) + getattr(other, it.name) for it in _ADDITIVE}
        return type(self)(
            **sums,
            peak_decoded_bytes=max(self.peak_decoded_bytes, other.peak_decoded_bytes),
            failures_by_reason=dict(Counter(self.failures_by_reason) + Counter(other.failures_by_reason)),
        )

    def since(self, earlier: Self) -> Self:
        """What was counted after `earlier`, a former state of these totals; the peak is that of both."""
        counts: dict[str, Any] = {it.name: getattr(self, it.name) - getattr(earlier, it.name) for it in _ADDITIVE}
        return type(self)(
            **counts,
            peak_decoded_bytes=self.peak_decoded_bytes,
            failures_by_reason=dict(Counter(self.failures_by_reason) - Counter(earlier.failures_by_reason)),
        )

    @classmethod
    def sum(cls, many: Iterable[Self]) -> Self:
        total = cls()
        for stats in many:
            total = total.merge(stats)
        return total

    def as_dict(self) -> dict[str, Any]:
        """All totals and the rates that follow from them, ready for JSON."""
        return {**asdict(self), "success_rate": self.success_rate, "reads_saved": self.reads_saved}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The totals out of `as_dict`; what is missing is 0, what follows from the totals is ignored."""
        return cls(**{it.name: values[it.name] for it in fields(cls) if it.name in values})


_ADDITIVE = [it for it in fields(LoaderStats) if it.name not in ("peak_decoded_bytes", "failures_by_reason")]
