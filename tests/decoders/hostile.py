"""Files that tell the plugin in `tests/decoders/plugin` what to do: HEIC as far as the app looks."""

from pathlib import Path

PLUGIN = Path(__file__).parent / "plugin"
SIZE = b"\x00\x00\x00\x14ispe\x00\x00\x00\x00\x00\x00\x00\x40\x00\x00\x00\x40"  # 64 x 64 pixels


def told_to(command: str, argument: bytes = b"") -> bytes:
    """A file that makes the decoder do something, and is a picture besides if the decoder comes back from that."""
    return b"\x00\x00\x00\x10ftypheic\x00\x00\x00\x00" + SIZE + b"DO:" + command.encode() + b" " + argument


def harmless() -> bytes:
    """A red square."""
    return b"\x00\x00\x00\x10ftypheic\x00\x00\x00\x00" + SIZE
