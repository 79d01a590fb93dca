"""Decoding and features against Pillow's own reduced decode, and what every format costs in time and memory.

    python benchmarks/decode.py                        # pictures enlarged from one that scikit-image ships
    python benchmarks/decode.py --photo PHOTO --rounds 15

The ratio is taken side by side: in every round each way decodes the same file once, in turn, and the best processor
time of each counts. Memory is what one decode added to a process of its own.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.verify import enlarge, peak_bytes, reset_peak, shipped_photo  # noqa: E402 - path set just above
from dedup_core.decode import WORKING_SIZE, decode  # noqa: E402
from dedup_core.features import extract_features  # noqa: E402
from dedup_core.sniff import read_header  # noqa: E402

SIZES = {"12 MP": (4000, 3000), "24 MP": (6000, 4000)}


def main() -> None:
    arguments = parse_arguments()
    if arguments.child:
        print(measure_memory(sys.stdin.buffer.read()))
        return
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    photo = Image.open(arguments.photo or shipped_photo()).convert("RGB")
    show_ratios(photo, arguments.rounds)
    if not arguments.ratios_only:
        show_formats(photo, arguments.rounds)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", type=Path)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--ratios-only", action="store_true")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def show_ratios(photo: Image.Image, rounds: int) -> None:
    table = Table(title="JPEG, processor milliseconds on one core (best of the rounds)")
    for column in ("", "Pillow draft + resize", "decode", "decode + features", "ratio decode", "ratio with features"):
        table.add_column(column, justify="right")
    for label, size in SIZES.items():
        data = encode(enlarge(photo, size), "JPEG", quality=88)
        pillow, ours, features = best_of([pillow_reduced, decode, extract_features], data, rounds)
        table.add_row(
            f"{label}, {len(data) / 1e6:.1f} MB",
            *(f"{seconds * 1000:.1f}" for seconds in (pillow, ours, features)),
            f"{ours / pillow:.2f}",
            f"{features / pillow:.2f}",
        )
    Console(width=110).print(table)


def pillow_reduced(data: bytes) -> Image.Image:
    """What Pillow does by itself when it is asked for a small version of a JPEG."""
    picture = Image.open(BytesIO(data))
    picture.draft("RGB", (WORKING_SIZE, WORKING_SIZE))
    return picture.resize((WORKING_SIZE, round(WORKING_SIZE * picture.height / picture.width)))


def best_of(ways: list[Callable[[bytes], object]], data: bytes, rounds: int) -> list[float]:
    best = [float("inf")] * len(ways)
    for _ in range(rounds):
        for number, way in enumerate(ways):
            started = time.process_time()
            way(data)
            best[number] = min(best[number], time.process_time() - started)
    return best


def show_formats(photo: Image.Image, rounds: int) -> None:
    table = Table(title="every format at 12 megapixels")
    for column in ("format", "file MB", "decode ms", "MB above idle", "MB expected by the header"):
        table.add_column(column, justify="right")
    for name, data in formats(enlarge(photo, SIZES["12 MP"])):
        (seconds,) = best_of([decode], data, min(rounds, 3))
        child = subprocess.run([sys.executable, __file__, "--child"], input=data, stdout=subprocess.PIPE, check=True)
        expected = read_header(data).memory_bytes / 1e6
        table.add_row(
            name, f"{len(data) / 1e6:.1f}", f"{seconds * 1000:.0f}", f"{int(child.stdout) / 1e6:.0f}", f"{expected:.0f}"
        )
    Console(width=110).print(table)


def formats(picture: Image.Image) -> Iterator[tuple[str, bytes]]:
    deep = Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)
    yield "JPEG", encode(picture, "JPEG", quality=88)
    yield "JPEG progressive", encode(picture, "JPEG", quality=88, progressive=True)
    yield "JPEG CMYK", encode(picture.convert("CMYK"), "JPEG", quality=88)
    yield "PNG", encode(picture, "PNG", compress_level=1)
    yield "PNG with alpha", encode(picture.convert("RGBA"), "PNG", compress_level=1)
    yield "PNG 16-bit grey", encode(deep, "PNG", compress_level=1)
    yield "WebP", encode(picture, "WEBP", quality=85, method=1)
    yield "WebP lossless", encode(picture, "WEBP", lossless=True, method=0)
    yield "GIF", encode(picture, "GIF")
    yield "BMP", encode(picture, "BMP")
    yield "TIFF LZW", encode(picture, "TIFF", compression="tiff_lzw")
    yield "AVIF", encode(picture, "AVIF", speed=10)
    yield "JPEG 2000", encode(picture, "JPEG2000", quality_mode="rates", quality_layers=[20])


def encode(picture: Image.Image, format_name: str, **options: object) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, format_name, **options)
    return buffer.getvalue()


def measure_memory(data: bytes) -> int:
    small = Image.open(BytesIO(data))
    warm_up = BytesIO()
    Image.new("RGB", (8, 8)).save(warm_up, small.format or "PNG")
    decode(warm_up.getvalue())
    idle_bytes = reset_peak()
    decode(data)
    return peak_bytes() - idle_bytes


if __name__ == "__main__":
    main()
