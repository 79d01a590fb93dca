"""Fingerprints of images that do not exist, in any number, whose keypoints crowd as those of real photographs do."""

import zlib
from importlib.resources import files
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dedup_core.decoding.working_image import WorkingImage
from dedup_core.fingerprinting.hash_views import HASH_BYTES
from dedup_core.fingerprinting.hashes import fingerprints_of
from dedup_core.fingerprinting.keypoints import ANGLE_STEPS, KEYPOINT_BYTES, MAX_KEYPOINTS, WORD_BITS
from dedup_core.fingerprinting.record import CONTENT_BYTES, FINGERPRINTS_BYTES, WINDOWS, Fingerprints
from dedup_storage.logs.fingerprint_records import ADD, CRC_BYTES, MAGIC, RECORD, RECORD_BYTES, VERSION

SHIPPED = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "retina.jpg", "hubble_deep_field.jpg")
CHANGED_BITS = 0.15

type Bytes = NDArray[np.uint8]


def pictures(folder: Path | None) -> list[Image.Image]:
    if folder is None:
        sources = [files("skimage").joinpath("data", name).read_bytes() for name in SHIPPED]
    else:
        sources = [path.read_bytes() for path in sorted(folder.glob("*.jp*g"))[:200]]
    opened = [Image.open(BytesIO(source)).convert("RGB") for source in sources]
    for picture in opened:
        picture.thumbnail((1024, 1024))
    return opened


def real_fingerprints(photos: list[Image.Image], random: np.random.Generator, count: int = 300) -> list[Fingerprints]:
    """Fingerprints of random crops of the photographs."""
    known: list[Fingerprints] = []
    while len(known) < count:
        photo = photos[len(known) % len(photos)]
        share = random.uniform(0.4, 1.0)
        left, top = random.uniform(0, 1 - share, 2) * photo.size
        crop = photo.crop((int(left), int(top), int(left + share * photo.width), int(top + share * photo.height)))
        crop.thumbnail((512, 512))
        working = WorkingImage(np.array(crop), "PNG", crop.width, crop.height, 0)
        known.append(fingerprints_of(working, random.bytes(CONTENT_BYTES)))
    return known


def made_up(known: list[Fingerprints], count: int, same_windows: float, random: np.random.Generator) -> Bytes:
    """What `Fingerprints.to_bytes` would give: random hashes, the words of real keypoints with some bits changed.

    All have as many keypoints as there can be; a share of them has the same hash in both windows.
    """
    records = random.integers(0, 256, (count, FINGERPRINTS_BYTES), np.uint8)
    first, second = (slice(start, start + HASH_BYTES) for start in (CONTENT_BYTES, CONTENT_BYTES + HASH_BYTES))
    for window in range(len(WINDOWS)):
        records[:, CONTENT_BYTES + window * HASH_BYTES] &= 0xFE  # the DC bit
    same = random.random(count) < same_windows
    records[same, second] = records[same, first]
    packed = np.frombuffer(b"".join(one.keypoints.to_bytes() for one in known), np.uint8).reshape(-1, KEYPOINT_BYTES)
    packed = packed[packed[:, -1] > 0]
    chosen = packed[random.integers(0, len(packed), count * MAX_KEYPOINTS)]
    words = np.ascontiguousarray(chosen[:, :4]).view("<u4")[:, 0]
    for bit in range(WORD_BITS):
        words ^= (random.random(len(words)) < CHANGED_BITS).astype(np.uint32) << np.uint32(bit)
    chosen[:, :4] = words[:, None].view(np.uint8)
    chosen[:, 4:6] = random.integers(0, 256, (len(words), 2), np.uint8)
    chosen[:, 6] = random.integers(0, ANGLE_STEPS, len(words), np.uint8)
    records[:, -MAX_KEYPOINTS * KEYPOINT_BYTES :] = chosen.reshape(count, -1)
    return records


def log_block(fingerprints: Bytes, random: np.random.Generator) -> bytes:
    """The fingerprints as records of the log, under random ids."""
    records = np.zeros(len(fingerprints), RECORD)
    records["magic"], records["version"], records["kind"] = MAGIC, VERSION, ADD
    records["id"] = random.integers(0, 256, records["id"].shape, np.uint8)
    records["fingerprints"] = fingerprints
    view = memoryview(records.tobytes())
    starts = range(CRC_BYTES, len(view), RECORD_BYTES)
    records["crc"] = [zlib.crc32(view[start : start + RECORD_BYTES - CRC_BYTES]) for start in starts]
    return records.tobytes()
