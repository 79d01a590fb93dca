"""FingerprintIndex: exact Hamming search over packed arrays."""

from dataclasses import dataclass

from dedup_core.fingerprint import View


@dataclass(frozen=True, slots=True)
class Hit:
    """A candidate: an image near the query, the distance of the nearest window and the query's view that gave it."""

    image_id: str
    distance_bits: int
    view: View
