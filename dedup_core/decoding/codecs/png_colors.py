"""What a PNG says its colors mean beside a profile: only another meaning than sRGB counts."""

from typing import Final

from dedup_core.decoding.codecs.png_texts import chunks

# By the PNG specification (third edition, 4.3) each kind hides those behind it. The second are those of sRGB.
_SRGB_NUMBERS: Final = {
    b"cICP": (b"\x01\x0d\x00\x01",),
    b"gAMA": ((45_455).to_bytes(4, "big"), (45_454).to_bytes(4, "big")),
    b"cHRM": (b"".join(it.to_bytes(4, "big") for it in (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)),),
}
_HIDING: Final = (b"cICP", b"iCCP", b"sRGB")


def other_colors(data: bytes) -> bytes:
    """The numbers by which browsers show the same values in other colors; nothing for sRGB and for a profile."""
    found: dict[bytes, bytes] = {}
    for kind, start, length in chunks(data):
        if kind == b"IDAT":
            break
        if kind in _SRGB_NUMBERS or kind in _HIDING:
            found.setdefault(kind, data[start + 8 : start + 8 + length])
    first = next((kind for kind in _HIDING if kind in found), None)
    counted = (b"gAMA", b"cHRM") if first is None else (first,) if first == b"cICP" else ()
    return b"".join(kind + found[kind] for kind in counted if kind in found and found[kind] not in _SRGB_NUMBERS[kind])
