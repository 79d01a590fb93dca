"""What people and programs do to a picture, one function each: encoded bytes in, encoded bytes out."""

from io import BytesIO

from PIL import Image, ImageDraw, ImageFont, ImageOps

JPEG_QUALITY = 92  # of every variant whose point is not the quality
EXIF_TURN_COUNTERCLOCKWISE = 8  # EXIF orientation: show the stored pixels turned by 90 degrees
TWELVE_MEGAPIXELS = (4000, 3000)
WEB_SIZE = (800, 600)


def recompressed(data: bytes, quality: int = 60) -> bytes:
    return _jpeg(_rgb(data), quality)


def as_webp(data: bytes) -> bytes:
    return _encoded(_rgb(data), "WEBP", quality=80)


def half_size(data: bytes) -> bytes:
    picture = _rgb(data)
    return _jpeg(picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.LANCZOS))


def mirrored(data: bytes) -> bytes:
    return _jpeg(ImageOps.mirror(_rgb(data)))


def turned(data: bytes) -> bytes:
    """The pixels themselves turned by 90 degrees, counterclockwise."""
    return _jpeg(_rgb(data).transpose(Image.Transpose.ROTATE_90))


def turned_by_exif(jpeg: bytes) -> bytes:
    """The same coded pixels, byte for byte, behind an EXIF tag that tells viewers to turn them."""
    exif = Image.Exif()
    exif[0x0112] = EXIF_TURN_COUNTERCLOCKWISE
    payload = exif.tobytes()
    start_of_image, rest = jpeg[:2], jpeg[2:]
    return start_of_image + b"\xff\xe1" + (len(payload) + 2).to_bytes(2, "big") + payload + rest


def brighter(data: bytes, levels: int = 12) -> bytes:
    return _jpeg(_rgb(data).point([min(value + levels, 255) for value in range(256)] * 3))


def watermarked(data: bytes, text: str = "© photo agency") -> bytes:
    picture = _rgb(data)
    font = ImageFont.load_default(size=picture.height / 18)
    place = (picture.width * 0.97, picture.height * 0.96)
    ImageDraw.Draw(picture).text(place, text, fill="white", font=font, anchor="rs")
    return _jpeg(picture)


def hue_shifted(data: bytes, degrees: int = 120) -> bytes:
    hue, saturation, value = _rgb(data).convert("HSV").split()
    hue = hue.point([(level + degrees * 256 // 360) % 256 for level in range(256)])
    return _jpeg(Image.merge("HSV", (hue, saturation, value)).convert("RGB"))


def in_grey(data: bytes) -> bytes:
    return _jpeg(_rgb(data).convert("L"))


def cropped(data: bytes, share: float = 0.05) -> bytes:
    """Without `share` of the width and height on each side."""
    picture = _rgb(data)
    across, down = round(picture.width * share), round(picture.height * share)
    return _jpeg(picture.crop((across, down, picture.width - across, picture.height - down)))


def framed(data: bytes, share: float = 0.1) -> bytes:
    """On a white sheet that stands over by `share` of the width on every side."""
    picture = _rgb(data)
    return _jpeg(ImageOps.expand(picture, border=round(picture.width * share), fill="white"))


def with_round_corners(data: bytes) -> bytes:
    """A PNG whose corners are fully transparent, over pixels that hold some other color than white."""
    picture = _rgb(data)
    opaque = Image.new("L", picture.size, 0)
    ImageDraw.Draw(opaque).rounded_rectangle((0, 0, *picture.size), radius=picture.height // 8, fill=255)
    picture.putalpha(opaque)
    return _encoded(picture, "PNG")


def cut_out(data: bytes) -> bytes:
    """A PNG of what an ellipse in the middle shows; all around it is transparent."""
    picture = _rgb(data)
    picture.putalpha(_ellipse(picture.size))
    return _encoded(picture, "PNG")


def on_white(data: bytes) -> bytes:
    """A JPEG of what an ellipse in the middle shows; all around it is white."""
    picture = _rgb(data)
    sheet = Image.new("RGB", picture.size, "white")
    sheet.paste(picture, mask=_ellipse(picture.size))
    return _jpeg(sheet)


def at_twelve_megapixels(data: bytes) -> bytes:
    return _jpeg(ImageOps.fit(_rgb(data), TWELVE_MEGAPIXELS, Image.Resampling.BICUBIC))


def at_web_size(data: bytes) -> bytes:
    return _jpeg(ImageOps.fit(_rgb(data), WEB_SIZE, Image.Resampling.LANCZOS))


def cut_short(data: bytes, share: float = 0.02) -> bytes:
    """The start of the file, as an interrupted upload leaves it."""
    return data[: int(len(data) * share)]


def _rgb(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data)).convert("RGB")


def _jpeg(picture: Image.Image, quality: int = JPEG_QUALITY) -> bytes:
    return _encoded(picture, "JPEG", quality=quality)


def _encoded(picture: Image.Image, image_format: str, **options: int) -> bytes:
    file = BytesIO()
    picture.save(file, image_format, **options)
    return file.getvalue()


def _ellipse(size: tuple[int, int]) -> Image.Image:
    width, height = size
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).ellipse((width * 0.1, height * 0.04, width * 0.9, height * 0.96), fill=255)
    return mask
