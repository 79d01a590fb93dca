"""A seeded mutator for image files: cuts, flips, repeats and edits of sizes, as transport and attackers make them."""

import random
import struct
import zlib
from collections.abc import Sequence

EXTREMES = (0, 1, 2, 7, 8, 127, 128, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
HEADER_BYTES = 512
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def mutate(data: bytes, dice: random.Random, donors: Sequence[bytes] = ()) -> bytes:
    """One to four mutations, one after the other; most of them near the beginning, where the structure is."""
    mutated = bytearray(data)
    for _ in range(dice.choice((1, 1, 2, 4))):
        if len(mutated) < 2:
            break
        dice.choice(MUTATIONS)(mutated, dice)
    if donors and mutated and dice.random() < 0.1:
        splice(mutated, dice, dice.choice(donors))
    if mutated.startswith(PNG_SIGNATURE) and dice.random() < 0.7:
        repair_png_checksums(mutated)
    return bytes(mutated)


def truncate(data: bytearray, dice: random.Random) -> None:
    del data[dice.randrange(1, len(data)) :]


def flip_bits(data: bytearray, dice: random.Random) -> None:
    for _ in range(dice.choice((1, 2, 8, 32))):
        data[position(data, dice)] ^= 1 << dice.randrange(8)


def set_bytes(data: bytearray, dice: random.Random) -> None:
    for _ in range(dice.choice((1, 2, 8))):
        data[position(data, dice)] = dice.choice((0, 0xFF, 0xD8, 0xDA, 0x2C, dice.randrange(256)))


def set_number(data: bytearray, dice: random.Random) -> None:
    order, kind = dice.choice("<>"), dice.choice("HI")
    number = dice.choice(EXTREMES) & (0xFFFF if kind == "H" else 0xFFFFFFFF)
    at = position(data, dice)
    data[at : at + struct.calcsize(kind)] = struct.pack(order + kind, number)


def remove(data: bytearray, dice: random.Random) -> None:
    at = position(data, dice)
    del data[at : at + dice.choice((1, 2, 4, 16, 256))]


def repeat(data: bytearray, dice: random.Random) -> None:
    at = position(data, dice)
    part = data[at : at + dice.choice((1, 4, 16, 256, 4096))]
    data[at:at] = part * dice.choice((1, 2, 16, 64))


def overwrite_with_noise(data: bytearray, dice: random.Random) -> None:
    at = position(data, dice)
    length = min(dice.choice((4, 64, 1024)), len(data) - at)
    data[at : at + length] = dice.randbytes(length)


def splice(data: bytearray, dice: random.Random, donor: bytes) -> None:
    at = position(data, dice)
    start = dice.randrange(len(donor))
    data[at : at + dice.choice((0, 16, 256))] = donor[start : start + dice.choice((16, 256, 4096))]


def repair_png_checksums(data: bytearray) -> None:
    """Without this nearly every damaged PNG would be refused at its first checksum."""
    at = len(PNG_SIGNATURE)
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        end = at + 8 + length
        if end + 4 > len(data):
            return
        struct.pack_into(">I", data, end, zlib.crc32(data[at + 4 : end]))
        at = end + 4


def position(data: bytearray, dice: random.Random) -> int:
    return dice.randrange(min(len(data), HEADER_BYTES) if dice.random() < 0.7 else len(data))


MUTATIONS = (truncate, flip_bits, set_bytes, set_number, set_number, remove, repeat, overwrite_with_noise)
