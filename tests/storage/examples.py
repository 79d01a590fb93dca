"""Values that the storage tests put in and expect back."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from io import BytesIO

import numpy as np
from PIL import Image

from dedup_app.ports.features import FeaturesRow
from dedup_app.ports.image_status import INDEXED, ImageStatus
from dedup_app.ports.pairs import PairRow
from dedup_core.color.color_metrics import ColorMetrics
from dedup_core.comparison.verdict import Verdict, VerdictKind
from dedup_core.extraction import extract_features
from dedup_core.features import ImageFeatures
from dedup_core.fingerprinting.hash_views import HASH_BYTES
from dedup_core.fingerprinting.record import CONTENT_BYTES, WINDOWS, Fingerprints
from dedup_core.paths import ImagePath
from dedup_core.views import View

NOON = datetime(2026, 3, 4, 12, 0, 0, 123456, tzinfo=UTC)
# As a container is listed: name, size, content type, and file or directory.
LISTED = """<Blob><Name>{}</Name><Properties><Etag>0x8D</Etag><Content-Length>{}</Content-Length>
<Content-Type>{}</Content-Type><ResourceType>{}</ResourceType><BlobType>BlockBlob</BlobType></Properties></Blob>"""


def image(name: str = "a.jpg") -> ImagePath:
    return ImagePath("images", name)


@cache
def some_features() -> ImageFeatures:
    """Those of a small drawn picture."""
    blobs = np.random.default_rng(7).integers(0, 256, (7, 9, 3), np.uint8)
    file = BytesIO()
    Image.fromarray(blobs).resize((90, 70), Image.Resampling.BICUBIC).save(file, "PNG")
    return extract_features(file.getvalue())


def features_row(
    name: str = "a.jpg", *, etag: str = "0x1", status: ImageStatus = INDEXED, features: ImageFeatures | None = None
) -> FeaturesRow:
    return FeaturesRow(image(name), etag, status, features, detail="", updated_at=NOON)


def pending(
    left: str,
    right: str,
    *,
    left_etag: str = "0x1",
    right_etag: str = "0x2",
    view: str = "upright",
    **changes: object,
) -> PairRow:
    pair = PairRow(
        left=image(left),
        right=image(right),
        left_etag=left_etag,
        right_etag=right_etag,
        verdict=None,
        distance_bits=12,
        view=view,
        verified_at=None,
    )
    return replace(pair, **changes)  # type: ignore[arg-type]


def verified(left: str, right: str, kind: VerdictKind = VerdictKind.DUPLICATE, **changes: object) -> PairRow:
    metrics = None if kind is VerdictKind.UNVERIFIABLE else ColorMetrics(1.5, 2.25, 0.875)
    distance = None if kind is VerdictKind.UNVERIFIABLE else 12
    reasons = (f"structure matches ({distance} of 256 bits)", "größer als 3 €")
    verdict = Verdict(kind, reasons, metrics, distance, View.UPRIGHT)
    values = {
        "left": image(left),
        "right": image(right),
        "left_etag": "0x1",
        "right_etag": "0x2",
        "verdict": verdict,
        "distance_bits": distance,
        "view": View.UPRIGHT.value,
        "verified_at": NOON,
    }
    return PairRow(**(values | changes))  # type: ignore[arg-type]


def fingerprints_of_text(text: str) -> Fingerprints:
    """Fingerprints that only those of the same text are near to."""
    generator = np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]))
    hashes = generator.integers(0, 256, (len(WINDOWS), HASH_BYTES), np.uint8)
    return Fingerprints(content=hashlib.sha256(text.encode()).digest()[:CONTENT_BYTES], hashes=hashes)
