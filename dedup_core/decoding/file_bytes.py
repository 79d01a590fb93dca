"""The bytes of a file that a caller of the library hands over, or a sentence on what to hand over in their place."""

import numpy as np
from PIL import Image

type FileBytes = bytes | bytearray | memoryview


def file_bytes(data: object) -> bytes:
    """The bytes of a file. Raises `TypeError` for anything else, with what to hand over in its place."""
    if isinstance(data, bytes):
        return data
    if isinstance(data, bytearray | memoryview):
        return bytes(data)
    raise TypeError(refusal(data, "the bytes of an image file"))


def refusal(given: object, wanted: str) -> str:
    """Why it is not taken, and what to do."""
    if isinstance(given, str) or hasattr(given, "__fspath__"):
        return f"this takes {wanted}, not a path: hand over pathlib.Path({str(given)!r}).read_bytes()"
    if isinstance(given, Image.Image | np.ndarray):
        return f"this takes {wanted}: save the picture losslessly and hand over the bytes of that file"
    if hasattr(given, "read"):
        return f"this takes {wanted}, not an open file: hand over what its read() gives"
    return f"this takes {wanted}, not {type(given).__name__}"
