"""Where a run of `dedup measure` keeps what it has done, so that one that was interrupted goes on from there."""

import json
import math
import os
import shutil
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

import numpy as np

from dedup_app.measure.results import ImageResult, StrangerPair
from dedup_app.measure.sample import Sample, Stratum
from dedup_app.ports.features import ImageSummary
from dedup_app.ports.image_status import INDEXED
from dedup_cli.presentation.failures import InputError
from dedup_core.comparison.measurement import MEASUREMENT_VERSION
from dedup_core.decoding.working_image import Whole, WorkingImage
from dedup_core.fingerprinting.record import SCHEME
from dedup_core.paths import ImagePath

RUN, RESULTS, STRANGERS, PICTURES = "run.json", "results.jsonl", "strangers.jsonl", "pictures"
KEPT = ("path", "etag", "version", "width", "height", "byte_size", "sha256", "format")


class MeasureFolder:
    """One run: what was asked for, the sample, a line for each image that is done, and pictures put aside."""

    def __init__(self, place: Path, *, is_passing: bool) -> None:
        self.place = place
        self._is_passing = is_passing

    @classmethod
    def open(cls, keep: Path | None, asked: Mapping[str, object]) -> Self:
        """The folder that is named, or one of its own for what was asked for, which goes when the run is over.

        Raises `InputError` where the folder holds another run.
        """
        key = dict(asked) | {"scheme": SCHEME, "measurement": MEASUREMENT_VERSION}
        digest = sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = cls(keep or cache / "near-duplicate-images" / f"measure-{digest}", is_passing=keep is None)
        try:
            folder.place.parent.mkdir(parents=True, exist_ok=True)
            folder.place.mkdir(mode=0o700, exist_ok=True)  # pictures and names of the account, which others may not see
            folder.place.joinpath(PICTURES).mkdir(exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot write into {folder.place}: {error.strerror or error}") from error
        known = folder._run()
        if known and known["asked"] != key:
            raise InputError(f"{folder.place} holds what was measured of another sample; name another folder")
        if not known:
            folder._write_run({"asked": key})
        return folder

    @classmethod
    def kept(cls, place: Path) -> Self:
        """What a run has left there. Raises `InputError` where none has, or one of another version."""
        folder = cls(place, is_passing=False)
        remedy = f"`dedup measure --keep {place}` puts it there"
        if not (place / RESULTS).exists():
            raise InputError(f"{place} holds nothing that was measured: {remedy}")
        if (asked := folder._run().get("asked", {})).get("measurement") != MEASUREMENT_VERSION:
            known = asked.get("measurement", "unknown")
            raise InputError(f"{place} was measured by another version ({known}); remove it, and {remedy}")
        return folder

    @property
    def sample(self) -> Sample | None:
        """The images that were drawn when the run began; None where it begins now."""
        kept = self._run().get("sample")
        if kept is None:
            return None
        strata = {Stratum(*names): (drawn, of) for *names, drawn, of in kept["strata"]}
        return Sample(tuple(map(_summary, kept["images"])), kept["total"], kept["too_small"], strata)

    def put_sample(self, sample: Sample) -> None:
        strata = [[it.format, it.size, it.verdict, *counts] for it, counts in sample.strata.items()]
        images = [{name: getattr(image, name) for name in KEPT} | {"path": str(image.path)} for image in sample.images]
        told = {"images": images, "total": sample.total, "too_small": sample.too_small, "strata": strata}
        self._write_run(self._run() | {"sample": told})

    def results(self) -> Iterator[ImageResult]:
        """The images that are done; a line that was cut off is none."""
        return map(ImageResult.from_dict, self._lines(RESULTS))

    def strangers(self) -> Iterator[StrangerPair]:
        return map(StrangerPair.from_dict, self._lines(STRANGERS))

    def add(self, done: ImageResult) -> None:
        self._append(RESULTS, done.as_dict())

    def add_stranger(self, pair: StrangerPair) -> None:
        self._append(STRANGERS, pair.as_dict())

    def put(self, image_id: str, picture: WorkingImage) -> None:
        told = {
            "shape": picture.pixels.shape,
            "format": picture.format,
            "width": picture.width,
            "height": picture.height,
            "decoded_bytes": picture.decoded_bytes,
            "digest": picture.whole.digest,
            "frames": picture.whole.frames.hex(),
            "palette": picture.whole.palette.hex(),
            "fine": None if picture.fine is None else picture.fine.shape,
        }
        fine = b"" if picture.fine is None else picture.fine.tobytes()
        pixels = zlib.compress(picture.pixels.tobytes() + fine, 1)
        self._picture(image_id).write_bytes(json.dumps(told).encode() + b"\n" + pixels)

    def get(self, image_id: str) -> WorkingImage | None:
        try:
            head, _, rest = self._picture(image_id).read_bytes().partition(b"\n")
        except FileNotFoundError:
            return None
        told = json.loads(head)
        values = np.frombuffer(zlib.decompress(rest), np.uint8)
        count = math.prod(told["shape"])
        pixels, fine = values[:count].reshape(told["shape"]), None
        if told["fine"] is not None:
            fine = values[count:].reshape(told["fine"])
        whole = Whole(told["digest"], bytes.fromhex(told["frames"]), bytes.fromhex(told["palette"]))
        sizes = told["width"], told["height"], told["decoded_bytes"]
        return WorkingImage(pixels, told["format"], *sizes, whole=whole, fine=fine)

    def finish(self) -> None:
        """Pictures go, and what was measured too, unless it was asked for."""
        shutil.rmtree(self.place if self._is_passing else self.place / PICTURES, ignore_errors=True)

    def _picture(self, image_id: str) -> Path:
        return self.place / PICTURES / image_id

    def _run(self) -> dict[str, Any]:
        try:
            run: dict[str, Any] = json.loads(self.place.joinpath(RUN).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise InputError(f"{self.place / RUN} is damaged; remove the folder to begin anew") from error
        return run

    def _write_run(self, run: Mapping[str, object]) -> None:
        written = self.place / f"{RUN}.new"
        written.write_text(json.dumps(run), encoding="utf-8")
        written.replace(self.place / RUN)

    def _append(self, name: str, value: Mapping[str, object]) -> None:
        with self.place.joinpath(name).open("a+b") as file:
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":  # a line was cut off
                    file.write(b"\n")
            file.write(json.dumps(value).encode() + b"\n")

    def _lines(self, name: str) -> Iterator[dict[str, Any]]:
        try:
            with self.place.joinpath(name).open(encoding="utf-8") as file:
                for line in file:
                    with suppress(ValueError):  # a line that was cut off
                        yield json.loads(line)
        except FileNotFoundError:
            return


def _summary(kept: Mapping[str, Any]) -> ImageSummary:
    values = {name: kept[name] for name in KEPT if name != "path"}
    return ImageSummary(path=ImagePath.parse(kept["path"]), status=INDEXED, scheme=SCHEME, **values)
