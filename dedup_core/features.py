"""ImageFeatures: everything that is ever kept of an image."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from dedup_core.decoding.history.provenance import UNKNOWN, Provenance
from dedup_core.fingerprinting.record import OLDER_SCHEME, SCHEME, Fingerprints

LAYOUT_SIDE = 32  # 3 KiB of a row: docs/decisions/0005-what-stored-features-decide.md
type Columns = Mapping[str, int | str | bytes]


@dataclass(frozen=True, slots=True, eq=False)
class ImageFeatures:
    """What is stored of one image. `width` and `height` are upright full size; `quality` is 0..100.

    `palette` is (colors, 4) float32 of L, a, b and weight; `histogram` is float32 with the precision of a half float;
    `layout` is the whole picture squashed to (32, 32, 3) uint8 sRGB.
    """

    scheme: int
    sha256: str
    format: str
    width: int
    height: int
    byte_size: int
    quality: int
    fingerprints: Fingerprints
    palette: NDArray[np.float32]
    histogram: NDArray[np.float32]
    layout: NDArray[np.uint8]
    provenance: Provenance = UNKNOWN

    def to_columns(self) -> dict[str, int | str | bytes]:
        """Flat table columns: numbers and text as they are, arrays as little-endian bytes."""
        return {
            "scheme": self.scheme,
            "sha256": self.sha256,
            "format": self.format,
            "width": self.width,
            "height": self.height,
            "byte_size": self.byte_size,
            "quality": self.quality,
            "fingerprints": self.fingerprints.to_bytes(),
            "palette": self.palette.astype("<f4").tobytes(),
            "histogram": self.histogram.astype("<f2").tobytes(),
            "layout": self.layout.tobytes(),
            "save_quality": self.provenance.quality,
            "saved_again": int(self.provenance.saved_again),
            "detail_side": self.provenance.detail_side,
            "has_camera_data": int(self.provenance.has_camera_data),
            "is_gray": int(self.provenance.is_gray),
        }

    @classmethod
    def from_columns(cls, columns: Columns) -> Self:
        """The features that `to_columns` wrote; other columns of the row are ignored. Raises `ValueError` if not."""
        scheme = _number(columns, "scheme")
        if scheme not in (OLDER_SCHEME, SCHEME):
            raise ValueError(f"features of scheme {scheme} cannot be read, this is scheme {SCHEME}")
        return cls(
            scheme=scheme,
            sha256=_text(columns, "sha256"),
            format=_text(columns, "format"),
            width=_number(columns, "width"),
            height=_number(columns, "height"),
            byte_size=_number(columns, "byte_size"),
            quality=_number(columns, "quality"),
            fingerprints=Fingerprints.from_bytes(_binary(columns, "fingerprints")),
            palette=np.frombuffer(_binary(columns, "palette"), "<f4").reshape(-1, 4).astype(np.float32),
            histogram=np.frombuffer(_binary(columns, "histogram"), "<f2").astype(np.float32),
            layout=np.frombuffer(_binary(columns, "layout"), np.uint8).reshape(LAYOUT_SIDE, LAYOUT_SIDE, 3),
            provenance=provenance_from(columns),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ImageFeatures) and self.to_columns() == other.to_columns()

    def __hash__(self) -> int:
        return hash(self.sha256)


def provenance_from(columns: Mapping[str, object]) -> Provenance:
    """What the columns of a row say of it; rows of earlier apps do not know."""
    if not isinstance(quality := columns.get("save_quality"), int):
        return UNKNOWN
    saved_again, detail_side, has_camera_data, is_gray = (
        value if isinstance(value := columns.get(name), int) else 0
        for name in ("saved_again", "detail_side", "has_camera_data", "is_gray")
    )
    return Provenance(quality, bool(saved_again), detail_side, bool(has_camera_data), bool(is_gray))


def _number(columns: Columns, name: str) -> int:
    value = _column(columns, name)
    if not isinstance(value, int):
        raise ValueError(f"column {name!r} holds no number")  # noqa: TRY004 - the row is wrong, not the call
    return value


def _text(columns: Columns, name: str) -> str:
    value = _column(columns, name)
    if not isinstance(value, str):
        raise ValueError(f"column {name!r} holds no text")  # noqa: TRY004
    return value


def _binary(columns: Columns, name: str) -> bytes:
    value = _column(columns, name)
    if not isinstance(value, bytes):
        raise ValueError(f"column {name!r} holds no bytes")  # noqa: TRY004
    return value


def _column(columns: Columns, name: str) -> int | str | bytes:
    if name not in columns:
        raise ValueError(f"column {name!r} is missing")
    return columns[name]
