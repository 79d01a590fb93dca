"""Measure how often the original of a group of made copies is the one that is kept.

    python benchmarks/keeper.py --limit 60        every second photo of ../shared/data, by which the steps were tuned
    python benchmarks/keeper.py --held-out        the others
    python benchmarks/keeper.py --photos FOLDER   any distinct photographs; with --held-out every second one

Of every photo an original is made as a camera or a designer would leave it (JPEG with EXIF, JPEG without, PNG), and of
each original the copies below, through real encoded bytes. A group is what the verdicts make of them. They are added in
a random order, so that the time of an upload tells nothing; with `--in-order` the original was there first, as usual.
A copy with the very bytes of its original is as good as that. A group that leaves it to a person counts as not right.
"""

import argparse
import io
import json
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps  # noqa: E402

from dedup_core import ImageFacts, Link, decide, extract_features, measure_images  # noqa: E402
from dedup_core.decoding.decoder import decode  # noqa: E402
from dedup_core.decoding.working_image import WorkingImage  # noqa: E402
from dedup_core.features import ImageFeatures  # noqa: E402
from dedup_core.groups.columns import Records  # noqa: E402
from dedup_core.groups.facts import FAMILIES  # noqa: E402
from dedup_core.groups.projection import GroupProjection  # noqa: E402

type Picture = Image.Image
type Copy = tuple[Picture, str, int]  # the picture, the format, the quality

MAKE, MODEL = 271, 272
UNSURE = "nobody can tell"
PHOTOS = ROOT.parent / "shared" / "data" / "photos"


def letters(picture: Picture, text: str, size: int, at: tuple[float, float], alpha: int) -> Picture:
    over = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    place = (at[0] * picture.width, at[1] * picture.height)
    ImageDraw.Draw(over).text(place, text, font=ImageFont.load_default(size), fill=(255, 255, 255, alpha))
    return Image.alpha_composite(picture.convert("RGBA"), over).convert("RGB")


def tiled(picture: Picture) -> Picture:
    for row in range(5):
        for column in range(3):
            at = (column / 3 + 0.03 * row, row / 5)
            picture = letters(picture, "SAMPLE", max(12, picture.width // 14), at, 110)
    return picture


def badge(picture: Picture) -> Picture:
    picture = picture.copy()
    width, height = picture.size
    ImageDraw.Draw(picture).rectangle((width * 0.62, height * 0.78, width * 0.95, height * 0.92), fill=(200, 20, 40))
    return letters(picture, "SALE -20%", max(10, width // 18), (0.64, 0.82), 255)


def sticker(picture: Picture) -> Picture:
    picture = picture.copy()
    width, height = picture.size
    place = (width * 0.7, height * 0.05, width * 0.92, height * 0.05 + width * 0.22)
    ImageDraw.Draw(picture).ellipse(place, fill=(250, 220, 40))
    return picture


def banner(picture: Picture) -> Picture:
    picture = picture.copy()
    width, height = picture.size
    ImageDraw.Draw(picture).rectangle((0, height * 0.86, width, height), fill=(20, 20, 20))
    return letters(picture, "New season - up to 50 % off", max(10, width // 22), (0.05, 0.9), 255)


def blurred_bars(picture: Picture) -> Picture:
    width, height = picture.size
    behind = picture.resize((width, int(height * 1.5))).filter(ImageFilter.GaussianBlur(20))
    behind.paste(picture, (0, height // 4))
    return behind


def cropped(picture: Picture, share: float) -> Picture:
    width, height = picture.size
    left, top = int(width * (1 - share) / 3), int(height * (1 - share) / 2)
    return picture.crop((left, top, left + int(width * share), top + int(height * share)))


def tilted(picture: Picture, degrees: float, *, whole: bool) -> Picture:
    return picture.rotate(degrees, Image.Resampling.BICUBIC, expand=whole, fillcolor="black")


def rounded(picture: Picture) -> Picture:
    mask = Image.new("L", picture.size)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, *picture.size), min(picture.size) // 10, fill=255)
    return Image.composite(picture, Image.new("RGB", picture.size, "white"), mask)


def scaled(picture: Picture, factor: float) -> Picture:
    return picture.resize((round(picture.width * factor), round(picture.height * factor)), Image.Resampling.LANCZOS)


COPIES: dict[str, Callable[[Picture], Copy]] = {
    "thumbnail": lambda it: (scaled(it, 0.25), "JPEG", 85),
    "half": lambda it: (scaled(it, 0.5), "JPEG", 90),
    "enlarged": lambda it: (scaled(it, 2.0), "JPEG", 95),
    "thumbnail enlarged": lambda it: (scaled(scaled(it, 0.3), 4.0), "JPEG", 95),
    "saved worse": lambda it: (it, "JPEG", 60),
    "saved again better": lambda it: (it, "JPEG", 97),
    "saved as PNG": lambda it: (it, "PNG", 0),
    "saved with a palette": lambda it: (it.quantize(128), "PNG", 0),
    "saved as WebP": lambda it: (it, "WEBP", 80),
    "brightened": lambda it: (ImageEnhance.Brightness(it).enhance(1.2), "JPEG", 92),
    "darkened": lambda it: (ImageEnhance.Brightness(it).enhance(0.8), "JPEG", 92),
    "mirrored": lambda it: (ImageOps.mirror(it), "JPEG", 92),
    "turned": lambda it: (it.transpose(Image.Transpose.ROTATE_90), "JPEG", 92),
    "watermark, tiled": lambda it: (tiled(it), "JPEG", 92),
    "watermark, corner": lambda it: (letters(it, "(c) studio", it.width // 14, (0.6, 0.86), 200), "JPEG", 92),
    "badge": lambda it: (badge(it), "PNG", 0),
    "frame, black": lambda it: (ImageOps.expand(it, it.width // 20, "black"), "JPEG", 92),
    "frame, white": lambda it: (ImageOps.expand(it, it.width // 12, "white"), "PNG", 0),
    "bars, blurred": lambda it: (blurred_bars(it), "JPEG", 92),
    "crop": lambda it: (cropped(it, 0.8), "JPEG", 92),
    "more contrast": lambda it: (ImageEnhance.Contrast(it).enhance(1.25), "JPEG", 90),
    "sharpened": lambda it: (it.filter(ImageFilter.UnsharpMask(2, 80)), "JPEG", 93),
    "gray": lambda it: (ImageOps.grayscale(it), "JPEG", 90),
    "smaller and worse": lambda it: (scaled(it, 0.7), "JPEG", 75),
    "sticker": lambda it: (sticker(it), "JPEG", 90),
    "banner": lambda it: (banner(it), "JPEG", 92),
    "crop, framed": lambda it: (ImageOps.expand(cropped(it, 0.9), it.width // 12, "white"), "JPEG", 95),
    "crop, bars": lambda it: (ImageOps.pad(cropped(it, 0.9), (max(it.size), max(it.size))), "JPEG", 95),
    "crop, turned": lambda it: (tilted(cropped(it, 0.9), 2, whole=False), "JPEG", 95),
    "turned by 3 degrees": lambda it: (tilted(it, 3, whole=True), "JPEG", 95),
    "turned by 2, same frame": lambda it: (tilted(it, -2, whole=False), "PNG", 0),
    "round corners": lambda it: (rounded(it), "PNG", 0),
}
NEVER = (
    "thumbnail",
    "half",
    "saved with a palette",
    "smaller and worse",
    "thumbnail enlarged",
    "watermark, tiled",
    "watermark, corner",
)
NEVER += ("badge", "sticker", "banner", "frame, black", "frame, white", "bars, blurred")
NEVER += (
    "crop, framed",
    "crop, bars",
    "crop, turned",
    "turned by 3 degrees",
    "turned by 2, same frame",
    "round corners",
)


def originals(photo: Picture) -> dict[str, bytes]:
    exif = Image.Exif()
    exif[MAKE], exif[MODEL] = "Canon", "EOS R6"
    clean = scaled(photo, 0.75)  # what the source's own compression has left behind is mostly gone
    return {
        "camera JPEG": encoded(clean, "JPEG", 94, exif=exif),
        "plain JPEG": encoded(clean, "JPEG", 88),
        "PNG": encoded(clean, "PNG", 0),
    }


def encoded(picture: Picture, kind: str, quality: int, **more: object) -> bytes:
    buffer = io.BytesIO()
    shown = picture if picture.mode == "P" else picture.convert("RGB")
    shown.save(buffer, kind, **({} if kind == "PNG" else {"quality": quality}), **more)
    return buffer.getvalue()


@lru_cache(maxsize=8)  # an original is in many groups
def read(data: bytes) -> tuple[ImageFeatures, WorkingImage]:
    return extract_features(data), decode(data)


def facts(name: str, data: bytes, added_at: int) -> ImageFacts:
    return ImageFacts.of(name.encode().ljust(32), f"images/{name}", read(data)[0], added_at)


def keeper_of(files: dict[str, bytes], times: dict[str, int]) -> tuple[str | None, list[str]]:
    """Whom the group of the original keeps, with the reasons; None where the verdicts hold nothing together with it.

    `UNSURE` where it says that nobody can tell, and so leaves all of them.
    """
    projection = GroupProjection()
    images = {name: facts(name, data, times[name]) for name, data in files.items()}
    pictures = {name: read(data)[1] for name, data in files.items()}
    names, links = list(files), []
    for at, left in enumerate(names):
        for right in names[at + 1 :]:
            verdict = decide(measure_images(pictures[left], pictures[right]), same_bytes=files[left] == files[right])
            if verdict.kind in FAMILIES:
                links.append(Link.of(images[left], images[right], verdict.kind, 1, verdict.view, verdict.sides))
    projection.add(Records.of([*images.values(), *links]))
    for group in projection.groups():
        if "original" in {image.path.removeprefix("images/") for image in group.images}:
            steps = [reason.step.value for reason in group.reasons]
            if group.is_unsure:
                return UNSURE, steps
            name = group.keeper.path.removeprefix("images/")
            is_original = files[name] == files["original"]
            return "original" if is_original else name, steps
    return None, []


class Tally:
    """What was kept, by the kind of original and of copy; why, where it was not the original; what was no group."""

    def __init__(self) -> None:
        self.kept, self.total, self.lost, self.unsure, self.why, self.apart = (Counter[str]() for _ in range(6))

    def add(self, kind: str, names: list[str], keeper: str | None, steps: list[str]) -> None:
        if keeper is None:
            self.apart.update(names)
            return
        for name in ("all", kind, *names):
            self.total[name] += 1
            self.kept[name] += keeper == "original"
        if keeper == UNSURE:
            self.unsure.update(names)
        elif keeper != "original":
            self.lost[keeper] += 1
            self.why[f"{kind}: {keeper}, by {', '.join(steps) or 'its name'}"] += 1

    def tell(self) -> None:
        for name in ("all", "camera JPEG", "plain JPEG", "PNG", *COPIES):
            if self.total[name]:
                share = self.kept[name] / self.total[name]
                print(f"{name:22}{share:7.1%} of {self.total[name]:4} groups kept their original")
        print(f"a thumbnail, watermarked or framed copy was kept over its original {self.never} times")
        print("left for a person to choose:", dict(self.unsure.most_common()))
        for reason, count in self.why.most_common():
            print(f"{count:4} kept instead of the original of a {reason}")
        print("no group with its original:", dict(self.apart.most_common()))

    @property
    def never(self) -> int:
        return sum(self.lost[name] for name in NEVER)

    def as_dict(self) -> dict[str, object]:
        names = [name for name in ("all", "camera JPEG", "plain JPEG", "PNG", *COPIES) if self.total[name]]
        shares = {name: round(self.kept[name] / self.total[name], 4) for name in names}
        told = {"kept": shares, "groups": self.total["all"], "never": self.never, "apart": sum(self.apart.values())}
        told |= {"unsure": sum(self.unsure.values()), "of_never": sum(self.total[name] for name in NEVER)}
        return told | {"why": dict(self.why)}


def groups_of(photo: Picture, chance: random.Random, *, whole: bool) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Files that belong together, the original first, and which kind of original it is."""
    for kind, data in originals(photo).items():
        source = Image.open(io.BytesIO(data)).convert("RGB")
        for names in [chance.sample(list(COPIES), 5)] if whole else [[name] for name in COPIES]:
            yield kind, {"original": data, **{name: encoded(*COPIES[name](source)) for name in names}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, default=PHOTOS)
    parser.add_argument("--limit", type=int, default=40)
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--in-order", action="store_true")
    parser.add_argument("--whole-groups", action="store_true", help="five random copies at a time instead of one")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    files = sorted(it for it in options.photos.iterdir() if it.suffix.lower() in {".jpg", ".jpeg", ".png"})
    files = files[options.held_out :: 2] if options.held_out or options.photos == PHOTOS else files
    step = max(1, len(files) // options.limit)
    # The first ones of coarser steps were looked at while the rules were made.
    chosen = files[step // 2 if options.held_out else 0 :: step][: options.limit]
    chance, tally = random.Random(7), Tally()
    for file in chosen:
        with Image.open(file) as opened:
            photo = opened.convert("RGB")
        for kind, group in groups_of(photo, chance, whole=options.whole_groups):
            order = list(group)
            if not options.in_order:
                chance.shuffle(order)
            keeper, steps = keeper_of(group, {name: at for at, name in enumerate(order, 1)})
            tally.add(kind, list(group)[1:], keeper, steps)
    tally.tell()
    if options.json:
        options.json.write_text(json.dumps(tally.as_dict(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
