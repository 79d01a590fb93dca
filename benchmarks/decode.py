"""Decoding and features against Pillow's own reduced decode, and what every format costs in time and memory.

    python benchmarks/decode.py                        # pictures enlarged from one that scikit-image ships
    python benchmarks/decode.py --photo PHOTO --rounds 15
    python benchmarks/decode.py --ratios-only --photos FOLDER --profile

The ratio is taken side by side: in every round each way decodes the same file once, in turn, and the best processor
time of each counts. That of small JPEGs is over all of them (`--photos`: as many as `--small` of the folder, else drawn
ones). `--profile` tells what one 12-megapixel and one small JPEG spend where: the functions that take most, each with
all that it calls but what is listed by itself. Memory is what one decode added to a process of its own.
"""

import argparse
import cProfile
import os
import pstats
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

from benchmarks.drawn_images import drawn_images  # noqa: E402 - path set just above
from benchmarks.peak_memory import peak_bytes, reset_peak  # noqa: E402
from benchmarks.verify import enlarge, shipped_photo  # noqa: E402
from dedup_core.decoding.decoder import decode  # noqa: E402
from dedup_core.decoding.formats import read_header  # noqa: E402
from dedup_core.extraction import extract_features  # noqa: E402
from dedup_core.limits import WORKING_SIZE  # noqa: E402

SIZES = {"12 MP": (4000, 3000), "24 MP": (6000, 4000)}
# The stages of `extract_features`; whatever one calls counts for it, unless it is a stage itself.
STAGES = {
    "JPEG to small pixels (Pillow)": ("decoder.py", "decode"),
    "digest of the file": ("~", "<built-in method _hashlib.openssl_sha256>"),
    "luma and borders": ("luma.py", "__init__"),
    "luma planes": ("luma.py", "_averaged"),
    "keypoints: where": ("blobs.py", "blobs_of"),
    "keypoints: words": ("patches.py", "described"),
    "hashes": ("hashes.py", "_hashes"),
    "quality": ("hashes.py", "_quality"),
    "small CIELAB": ("summary.py", "_small_lab"),
    "background": ("background.py", "object_weights"),
    "palette": ("palette.py", "lab_palette"),
    "histogram": ("histogram.py", "lab_histogram"),
    "layout": ("extraction.py", "_layout_of"),
}


def main() -> None:
    arguments = parse_arguments()
    if arguments.child:
        print(measure_memory(sys.stdin.buffer.read()))
        return
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    photo = Image.open(arguments.photo or shipped_photo()).convert("RGB")
    small = small_jpegs(arguments.photos, arguments.small)
    show_ratios(photo, arguments.rounds)
    show_small_ratio(small, arguments.rounds)
    if arguments.profile:
        show_profile("one 12-megapixel JPEG", [encode(enlarge(photo, SIZES["12 MP"]), "JPEG", quality=88)])
        show_profile("one small JPEG", small)
    if not arguments.ratios_only:
        show_formats(photo, arguments.rounds)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", type=Path)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--photos", type=Path, help="folder of small JPEGs; without it they are drawn")
    parser.add_argument("--small", type=int, default=40, help="how many small JPEGs (40)")
    parser.add_argument("--profile", action="store_true", help="tell where the time goes, too")
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


def small_jpegs(folder: Path | None, count: int) -> list[bytes]:
    """As many JPEGs, evenly from the folder, or drawn with 640 x 480 pixels."""
    if folder is None:
        return [data for _, data in drawn_images(count, 0.0)]
    files = sorted(it for it in folder.rglob("*") if it.suffix.lower() in {".jpg", ".jpeg"})
    return [file.read_bytes() for file in files[:: max(1, len(files) // count)][:count]]


def show_small_ratio(jpegs: list[bytes], rounds: int) -> None:
    times = np.array([best_of([pillow_reduced, decode, extract_features], data, rounds) for data in jpegs]) * 1000
    pillow, ours, features = times.mean(axis=0)  # ms
    ratios = times[:, 2] / times[:, 0]
    sides = sorted(max(Image.open(BytesIO(data)).size) for data in jpegs)
    Console(width=110).print(
        f"{len(jpegs)} small JPEGs (longer side {sides[0]} to {sides[-1]}), mean ms: "
        f"Pillow draft + resize {pillow:.1f}, decode {ours:.1f}, decode + features {features:.1f}: "
        f"{features / pillow:.2f} times Pillow (single files {ratios.min():.2f} to {ratios.max():.2f})"
    )


def show_profile(title: str, jpegs: list[bytes], calls: int = 40) -> None:
    """Shares of the processor time of `extract_features` by stage, from cProfile."""
    profile = cProfile.Profile(time.process_time)
    extract_features(jpegs[0])
    profile.enable()
    for number in range(calls):
        extract_features(jpegs[number % len(jpegs)])
    profile.disable()
    entries = pstats.Stats(profile).stats  # (file, line, name) -> (…, seconds with what it calls, callers)
    spent = {(Path(file).name, name): cumulative for (file, _, name), (_, _, _, cumulative, _) in entries.items()}
    whole = spent["extraction.py", "extract_features"]
    shares = {stage: spent[key] / whole for stage, key in STAGES.items()}
    shares["the rest"] = 1 - sum(shares.values())
    table = Table(title=f"{title}: {whole / calls * 1000:.1f} ms under the profiler")
    table.add_column("stage")
    table.add_column("share", justify="right")
    for stage, share in sorted(shares.items(), key=lambda it: -it[1]):
        table.add_row(stage, f"{share:.1%}")
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
