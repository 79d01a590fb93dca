"""The color profile in a BMP, which Pillow leaves there."""

import struct
from typing import Final

_HEADER_AT: Final = 14  # in the file; where the profile begins is counted from here
_HEADER_BYTES: Final = 124  # of the one kind of header that names a profile
_KIND_AT, _PLACE_AT = 56, 112
_EMBEDDED: Final = b"DEBM"


def embedded_profile(data: bytes) -> bytes:
    """Nothing where there is none, or where it would begin behind the end."""
    header = data[_HEADER_AT : _HEADER_AT + _HEADER_BYTES]
    if len(header) < _HEADER_BYTES or struct.unpack_from("<I", header) != (_HEADER_BYTES,):
        return b""
    start, length = struct.unpack_from("<II", header, _PLACE_AT)
    begin = _HEADER_AT + start
    return data[begin : begin + length] if header.startswith(_EMBEDDED, _KIND_AT) else b""
