"""Other people's perceptual hashes, each as packed bytes and with its own distance over whole arrays."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import imagehash
import numpy as np
import pdqhash  # type: ignore[import-untyped]
from numpy.typing import NDArray
from perception import hashers
from PIL import Image, ImageOps

type Bytes = NDArray[np.uint8]
type Distances = NDArray[np.float64]
type Hash = Callable[[Image.Image, Bytes], Bytes]


@dataclass(frozen=True, slots=True)
class Peer:
    """One hash. `compute` gives `views` rows of `size` bytes; the first row is that of the picture as it stands."""

    name: str
    size: int
    compute: Hash
    distances: Callable[[Bytes, Bytes], Distances]
    views: int = 1


def hash_all(data: bytes) -> bytes:
    """The hashes of one encoded picture by every peer, one after the other."""
    with Image.open(io.BytesIO(data)) as source:
        picture = ImageOps.exif_transpose(source).convert("RGB")
    pixels = np.asarray(picture)  # (h, w, 3)
    return b"".join(_checked(peer, peer.compute(picture, pixels)).tobytes() for peer in PEERS)


def split_hashes(joined: list[bytes]) -> dict[str, Bytes]:
    """What `hash_all` gave for many pictures -> per peer (pictures, views, size) uint8."""
    rows = np.frombuffer(b"".join(joined), np.uint8).reshape(len(joined), -1)
    found, start = {}, 0
    for peer in PEERS:
        end = start + peer.views * peer.size
        found[peer.name] = rows[:, start:end].reshape(len(joined), peer.views, peer.size)
        start = end
    return found


def _checked(peer: Peer, rows: Bytes) -> Bytes:
    rows = np.ascontiguousarray(rows).reshape(-1).view(np.uint8)
    if rows.size != peer.views * peer.size:
        raise ValueError(f"{peer.name} gave {rows.size} bytes, not {peer.views} x {peer.size}")
    return rows


def hamming(queries: Bytes, stored: Bytes) -> Distances:
    """Bits that differ between the nearest of the query's views and the stored picture: (queries, stored)."""
    found = np.empty((len(queries), len(stored)))
    for row, views in enumerate(queries):  # (views, size)
        bits = np.bitwise_count(views[:, None, :] ^ stored[None, :, 0, :])  # (views, stored, size)
        found[row] = bits.sum(axis=2, dtype=np.int64).min(axis=0)
    return found


def euclidean(queries: Bytes, stored: Bytes) -> Distances:
    """Length of the difference of two vectors of 64-bit floats."""
    left, right = (np.ascontiguousarray(rows[:, 0, :]).view(np.float64) for rows in (queries, stored))
    return np.stack([np.linalg.norm(right - row, axis=1) for row in left])


def radial(queries: Bytes, stored: Bytes) -> Distances:
    """1 - the highest correlation over all cyclic shifts, which is how OpenCV compares radial variance hashes."""
    left, right = (_standardized(rows[:, 0, :]) for rows in (queries, stored))
    found = np.empty((len(left), len(right)))
    for row, values in enumerate(left):
        shifts = np.stack([np.roll(values, shift) for shift in range(len(values))])
        found[row] = 1 - (right @ shifts.T).max(axis=1)  # (stored, shifts) -> (stored,)
    return found


def _standardized(rows: Bytes) -> Distances:
    values = rows.astype(np.float64) - rows.mean(axis=1, keepdims=True)
    return values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-9)


def _imagehash(function: Callable[..., imagehash.ImageHash], size: int) -> Hash:
    return lambda picture, _: np.packbits(np.asarray(function(picture, size).hash, bool))


def _perception(name: str) -> Hash:
    hasher = getattr(hashers, name)(hash_size=16)
    return lambda _, pixels: np.packbits(np.asarray(hasher.compute(pixels, hash_format="vector"), bool))


def _opencv(name: str, *arguments: int) -> Hash:
    create = lru_cache(lambda: getattr(cv2.img_hash, name).create(*arguments))
    return lambda _, pixels: create().compute(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))[0]


def _pdq(_: Image.Image, pixels: Bytes) -> Bytes:
    return np.packbits(pdqhash.compute(pixels)[0])


def _pdq_views(_: Image.Image, pixels: Bytes) -> Bytes:
    return np.packbits(np.array(pdqhash.compute_dihedral(pixels)[0], np.uint8), axis=1)


PEERS = (
    Peer("imagehash pHash 64", 8, _imagehash(imagehash.phash, 8), hamming),
    Peer("imagehash pHash 256", 32, _imagehash(imagehash.phash, 16), hamming),
    Peer("imagehash dHash 64", 8, _imagehash(imagehash.dhash, 8), hamming),
    Peer("imagehash dHash 256", 32, _imagehash(imagehash.dhash, 16), hamming),
    Peer("imagehash wHash 64", 8, _imagehash(imagehash.whash, 8), hamming),
    Peer("imagehash wHash 256", 32, _imagehash(imagehash.whash, 16), hamming),
    Peer("PDQ 256", 32, _pdq, hamming),
    Peer("PDQ 256, 8 views", 32, _pdq_views, hamming, views=8),
    Peer("perception pHash 256", 32, _perception("PHash"), hamming),
    Peer("perception dHash 256", 32, _perception("DHash"), hamming),
    Peer("perception wavelet 256", 32, _perception("WaveletHash"), hamming),
    Peer("OpenCV pHash 64", 8, _opencv("PHash"), hamming),
    Peer("OpenCV block mean", 121, _opencv("BlockMeanHash", 1), hamming),
    Peer("OpenCV Marr-Hildreth", 72, _opencv("MarrHildrethHash"), hamming),
    Peer("OpenCV radial variance", 40, _opencv("RadialVarianceHash"), radial),
    Peer("OpenCV color moment", 336, _opencv("ColorMomentHash"), euclidean),
)
