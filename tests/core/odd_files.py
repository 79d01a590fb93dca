"""Sound image files of every format and mode, drawn in code: what the mutators and the golden table start from."""

import base64
from functools import cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

# A HEIC picture of `drawing(48, 32)`, kept as bytes because no installed package writes HEIC.
HEIC = base64.b64decode("""
AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAX1tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAACJpbG9j
AAAAAERAAAEAAQAAAAABoQABAAAAAAAAAOIAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRtAAAAAAABAAAA/Wlw
cnAAAADdaXBjbwAAAHZodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AA
AAMAkAAAAwAAAwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAA
QAAAAEAAAAAoY2xhcAAAADAAAAABAAAAIAAAAAH////wAAAAAv///+AAAAACAAAAEHBpeGkAAAAAAwgICAAAABhpcG1hAAAAAAAAAAEAAQWB
AgMFhAAAAOptZGF0AAAA3igBrwngaGUd2y1cAG445j8ajVpT4Zty7cu4UjrsBYPbSMt4lY2HU2HgcI8lz7y1wYUjvj6/TJ7z42luBSAk3nJF
f0HvjMZN3RB4248jV2BEceIe94VU/8QjVAoA6AmwbM5sIcX0eB+6Cz5+h0vVRHHBIXAjiMJb12yRot5G6GSEe7otxMoEr8ULd7hH1NejgmzB
mQLKw94ALeS5UncGYPVw+ZYOUHiWUqL+G3ceQXMn/uK1g4sUARa5cFCAwozXUSniuDaV4Q87xmLnolYhQsjBzB1gvW2bwenPQHlJSw==
""")


def drawing(width: int, height: int) -> Image.Image:
    """A smooth picture in which every corner has another color, and a hard-edged block."""
    x = np.linspace(0, 255, width)[None, :]
    y = np.linspace(0, 255, height)[:, None]
    pixels = np.stack(np.broadcast_arrays(x, y, 255 - (x + y) / 2), axis=-1).astype(np.uint8)
    pixels[height // 4 : height // 2, width // 4 : width // 2] = (250, 20, 30)
    return Image.fromarray(pixels)


def encode(picture: Image.Image, format_name: str, **options: object) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, format_name, **options)
    return buffer.getvalue()


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@cache
def sound_files() -> list[tuple[str, bytes]]:
    """(name, bytes), about sixty; the name begins with the format."""
    rgb = drawing(96, 64)
    large = drawing(1700, 30)
    files = [*_jpeg_files(rgb, large), *_png_files(rgb), *_other_files(rgb, large), *_tiff_files(rgb)]
    return sorted(files)


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _jpeg_files(rgb: Image.Image, large: Image.Image) -> list[tuple[str, bytes]]:
    return [
        ("jpeg-plain", encode(rgb, "JPEG")),
        ("jpeg-progressive", encode(rgb, "JPEG", progressive=True)),
        ("jpeg-grey", encode(rgb.convert("L"), "JPEG")),
        ("jpeg-cmyk", encode(rgb.convert("CMYK"), "JPEG")),
        ("jpeg-exif", encode(rgb, "JPEG", exif=turned(6))),
        ("jpeg-profile", encode(rgb, "JPEG", icc_profile=srgb_profile())),
        ("jpeg-full-chroma", encode(rgb, "JPEG", subsampling=0, quality=95)),
        ("jpeg-restarts", encode(rgb, "JPEG", restart_marker_blocks=4)),
        ("jpeg-wide", encode(large, "JPEG")),
        ("jpeg-wide-progressive", encode(large, "JPEG", progressive=True)),
        ("jpeg-two-pictures", encode(rgb, "MPO", save_all=True, append_images=[rgb])),
    ]


def _png_files(rgb: Image.Image) -> list[tuple[str, bytes]]:
    ramp = np.linspace(0, 65535, 64 * 48, dtype=np.uint16).reshape(48, 64)
    keyed = rgb.copy()
    keyed.info["transparency"] = (250, 20, 30)
    return [
        ("png-plain", encode(rgb, "PNG")),
        ("png-grey", encode(rgb.convert("L"), "PNG")),
        ("png-bits", encode(rgb.convert("1"), "PNG")),
        ("png-palette", encode(rgb.quantize(32), "PNG")),
        ("png-palette-clear", encode(rgb.quantize(32), "PNG", transparency=3)),
        ("png-alpha", encode(rgb.convert("RGBA"), "PNG")),
        ("png-grey-alpha", encode(rgb.convert("LA"), "PNG")),
        ("png-color-key", encode(keyed, "PNG", transparency=(250, 20, 30))),
        ("png-16-bit", encode(Image.fromarray(ramp), "PNG")),
        ("png-exif", encode(rgb, "PNG", exif=turned(3))),
        ("png-profile", encode(rgb, "PNG", icc_profile=srgb_profile())),
        ("png-animated", encode(rgb, "PNG", save_all=True, append_images=[rgb.rotate(90)])),
    ]


def _other_files(rgb: Image.Image, large: Image.Image) -> list[tuple[str, bytes]]:
    frames = [rgb.rotate(90), rgb.rotate(180)]
    return [
        ("webp-lossy", encode(rgb, "WEBP")),
        ("webp-lossless", encode(rgb, "WEBP", lossless=True)),
        ("webp-alpha", encode(rgb.convert("RGBA"), "WEBP")),
        ("webp-exif", encode(rgb, "WEBP", exif=turned(8))),
        ("webp-animated", encode(rgb, "WEBP", save_all=True, append_images=frames)),
        ("gif-plain", encode(rgb, "GIF")),
        ("gif-clear", encode(rgb.quantize(16), "GIF", transparency=2)),
        ("gif-grey", encode(rgb.convert("L"), "GIF")),
        ("gif-animated", encode(rgb, "GIF", save_all=True, append_images=frames)),
        ("bmp-plain", encode(rgb, "BMP")),
        ("bmp-palette", encode(rgb.quantize(200), "BMP")),
        ("bmp-grey", encode(rgb.convert("L"), "BMP")),
        ("bmp-bits", encode(rgb.convert("1"), "BMP")),
        ("bmp-runs", run_length_bmp()),
        ("avif-plain", encode(rgb, "AVIF", speed=10)),
        ("avif-alpha", encode(rgb.convert("RGBA"), "AVIF", speed=10)),
        ("avif-exif", encode(rgb, "AVIF", exif=turned(6), speed=10)),
        ("heic-plain", HEIC),
        ("jp2-plain", encode(rgb, "JPEG2000")),
        ("jp2-lossy", encode(rgb, "JPEG2000", quality_mode="rates", quality_layers=[20])),
        ("jp2-grey-tiles", encode(rgb.convert("L"), "JPEG2000", tile_size=(32, 32))),
        ("jp2-alpha", encode(rgb.convert("RGBA"), "JPEG2000")),
        ("jp2-wide", encode(large, "JPEG2000")),
        ("jp2-codestream", encode(rgb, "JPEG2000", no_jp2=True)),
    ]


def _tiff_files(rgb: Image.Image) -> list[tuple[str, bytes]]:
    deep = np.linspace(0, 65535, 64 * 48, dtype=np.uint16).reshape(48, 64)
    real = np.linspace(-1.0, 2.0, 64 * 48, dtype=np.float32).reshape(48, 64)
    return [
        ("tiff-plain", encode(rgb, "TIFF")),
        ("tiff-lzw", encode(rgb, "TIFF", compression="tiff_lzw")),
        ("tiff-deflate", encode(rgb, "TIFF", compression="tiff_adobe_deflate")),
        ("tiff-jpeg", encode(rgb, "TIFF", compression="jpeg")),
        ("tiff-fax", encode(rgb.convert("1"), "TIFF", compression="group4")),
        ("tiff-packbits", encode(rgb.convert("L"), "TIFF", compression="packbits")),
        ("tiff-cmyk", encode(rgb.convert("CMYK"), "TIFF")),
        ("tiff-lab", encode(rgb_to_lab(rgb), "TIFF")),
        ("tiff-alpha", encode(rgb.convert("RGBA"), "TIFF")),
        ("tiff-palette", encode(rgb.quantize(64), "TIFF")),
        ("tiff-16-bit", encode(Image.fromarray(deep), "TIFF")),
        ("tiff-32-bit", encode(Image.fromarray(deep.astype(np.int32) * 1000), "TIFF")),
        ("tiff-real", encode(Image.fromarray(real), "TIFF")),
        ("tiff-turned", encode(rgb, "TIFF", exif=turned(6))),
        ("tiff-pages", encode(rgb, "TIFF", save_all=True, append_images=[rgb.rotate(90)])),
        ("tiff-big", encode(rgb, "TIFF", big_tiff=True)),
    ]


def rgb_to_lab(rgb: Image.Image) -> Image.Image:
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(rgb, srgb, lab, outputMode="LAB")
    if converted is None:
        raise AssertionError("the conversion worked in place")
    return converted


def run_length_bmp(width: int = 32, height: int = 16) -> bytes:
    """An 8-bit run-length BMP: every row is one run, in the color of its number."""
    palette = b"".join(bytes((row, 255 - row, 128, 0)) for row in range(256))
    rows = b"".join(bytes((width, row * 8, 0, 0)) for row in range(height)) + b"\x00\x01"
    offset = 14 + 40 + len(palette)
    header = b"BM" + (offset + len(rows)).to_bytes(4, "little") + bytes(4) + offset.to_bytes(4, "little")
    sizes = (40).to_bytes(4, "little") + width.to_bytes(4, "little") + height.to_bytes(4, "little")
    depth = b"\x01\x00\x08\x00" + (1).to_bytes(4, "little") + len(rows).to_bytes(4, "little")
    return header + sizes + depth + bytes(16) + palette + rows
