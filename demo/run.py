"""Runs the real app on an emulated storage account and hands it the pictures, until it has said all it will say."""

import mimetypes
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from azure.storage.blob import BlobServiceClient, ContentSettings

from dedup_app.configuration.settings import Settings
from dedup_app.services import Services
from dedup_core.paths import ImagePath
from dedup_storage.connect import connect
from demo.check import Outcome
from demo.pictures import FOLDER, Picture
from demo.progress import Progress, read_progress
from local_host.azurite import Azurite
from local_host.process import HostProcess

APP = Path(__file__).parent.parent
CONTAINER = "images"
LIMIT_SECONDS = 300.0  # ten times what two idle cores need
SCAN_SECONDS = 1.0  # the real host looks every 10 s, which nobody wants to wait for in a demo
POLL_SECONDS = 0.5
LOG_CHARACTERS = 4000

type Watch = Callable[[Progress], None]


class GaveUpError(Exception):
    """The app has not finished in time; the text says what is missing and what the host has logged."""


@dataclass(frozen=True, slots=True)
class RunningApp:
    """The app, waiting for pictures, and the storage account that it watches."""

    azurite: Azurite
    host: HostProcess
    services: Services


@contextmanager
def running_app(folder: Path) -> Iterator[RunningApp]:
    """The app on an Azurite of its own, everything on free ports and below `folder`; stopped at the end."""
    with Azurite(folder / "azurite", access_log=folder / "requests.log") as azurite:
        environment = {
            "AzureWebJobsStorage": azurite.connection_string,
            "ImageStorage": azurite.connection_string,
            "IMAGE_CONTAINER": CONTAINER,
        }
        with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
            service.create_container(CONTAINER)
        with HostProcess(APP, environment, scan_seconds=SCAN_SECONDS, log=folder / "host.log") as host:
            yield RunningApp(azurite, host, connect(Settings.from_environment(environment)))


def upload(app: RunningApp, pictures: list[Picture]) -> None:
    """Put every picture into the container that the app watches."""
    with BlobServiceClient.from_connection_string(app.azurite.connection_string) as service:
        container = service.get_container_client(CONTAINER)
        for picture in pictures:
            kind = ContentSettings(content_type=mimetypes.guess_type(picture.name)[0])
            container.upload_blob(f"{FOLDER}/{picture.name}", picture.data, content_settings=kind)


def wait(app: RunningApp, pictures: list[Picture], watch: Watch, limit_seconds: float = LIMIT_SECONDS) -> Outcome:
    """Look at the tables until nothing more will come; `watch` is told each time. Raises `GaveUpError`."""
    began, started = time.monotonic(), datetime.now(UTC)
    while True:
        progress = read_progress(app.services, started)
        watch(progress)
        seconds = time.monotonic() - began
        if progress.is_done(len(pictures)):
            return _outcome(app, progress, seconds)
        if progress.poisoned or seconds > limit_seconds:
            raise GaveUpError(
                f"After {seconds:.0f} s {progress.told(len(pictures))}. The host's log ends with:\n"
                f"{app.host.log_text()[-LOG_CHARACTERS:]}"
            )
        time.sleep(POLL_SECONDS)


def _outcome(app: RunningApp, progress: Progress, seconds: float) -> Outcome:
    return Outcome(
        rows={_name(path): row for path, row in progress.rows.items()},
        pairs={frozenset({_name(pair.left), _name(pair.right)}): pair for pair in progress.pairs},
        loaders=progress.loaders,
        blob_reads=sum(_is_picture_read(it.method, it.url) for it in app.azurite.requests() if it.status < 300),  # noqa: PLR2004
        seconds=seconds,
    )


def _name(path: ImagePath) -> str:
    return path.name.removeprefix(f"{FOLDER}/")


def _is_picture_read(method: str, url: str) -> bool:
    return method == "GET" and f"/{CONTAINER}/{FOLDER}/" in unquote(urlsplit(url).path)
