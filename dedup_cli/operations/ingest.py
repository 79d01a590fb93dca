"""`dedup ingest`: have images that are already there fingerprinted and looked up."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.text import Text

from dedup_app.services import Services
from dedup_cli.connection import services_of
from dedup_cli.named_images import image_path, not_in_container
from dedup_cli.operations.watch import watch_queues
from dedup_cli.presentation.failures import InputError
from dedup_cli.presentation.output import console, counted, plain, print_json, tell
from dedup_cli.presentation.progress import progress, progress_of_parts
from dedup_cli.results.rejected import no_such_reason
from dedup_core.messages import IngestMessage
from dedup_core.paths import ImagePath


def ingest(
    context: typer.Context,
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="PATH", help="Images, as container/name or URL.", show_default=False)
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every image of the container that is new or has changed.")
    ] = False,
    rejected: Annotated[
        bool, typer.Option("--rejected", help="Every image that was refused, to be read once more.")
    ] = False,
    reason: Annotated[
        str | None, typer.Option(metavar="REASON", help="Only those refused for this reason, such as corrupt.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="With PATH: do all of it once more, whatever is known of the image.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="With --all: then follow the queues until they are empty.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was queued for a program.")] = False,
) -> None:
    """Queue images that were there before the app, to be fingerprinted and looked up.

    An image that the app knows and that has not changed since is left as it is; one that was refused is read once more
    if a newer version of what refused it is installed, or with --rejected.

    Example: dedup ingest images/a.jpg images/b.jpg
    """
    if reason and not rejected:
        raise InputError("--reason says which of the images that were refused: give --rejected with it")
    match [everything, rejected, bool(paths)].count(True):
        case 0:
            raise InputError("name the images to take in, or give --all for the whole container, or --rejected")
        case 2 | 3:
            raise InputError("give names of images, --all or --rejected, and only one of the three")
    if force and not paths:
        raise InputError("--force is for images that are named; for all of them there is `dedup reconcile --fix`")
    if watch and not everything:
        raise InputError("--watch follows a whole container: give --all with it, or see `dedup status --watch`")
    if watch and as_json:
        raise InputError("--watch is for people: leave it out with --json")
    services = services_of(context)
    if rejected:
        _ingest_rejected(services, reason, as_json=as_json)
        return
    if everything:
        _ingest_all(services, as_json=as_json)
        if watch:
            watch_queues(services)
        return
    _ingest_named(services, paths or (), force=force, as_json=as_json)


def _ingest_named(services: Services, names: Sequence[str], *, force: bool, as_json: bool) -> None:
    images = list(dict.fromkeys(image_path(services, name) for name in names))
    unknown = _unknown(services, images)
    if unknown:
        raise InputError(f"there is no image {', '.join(map(str, unknown))}: nothing was queued")
    services.ingest_queue.send_all(IngestMessage(image, force=force) for image in images)
    if as_json:
        print_json({"queued": [str(image) for image in images]})
    else:
        for image in images:
            console().print(Text(f"queued: {plain(str(image))}"), soft_wrap=True)


def _unknown(services: Services, images: Sequence[ImagePath]) -> list[ImagePath]:
    """Those that are neither in the container nor known; of one that is known only, its deletion is taken in."""
    missing = not_in_container(services, images)
    known = services.features.summaries([image.image_id for image in missing]) if missing else {}
    return [image for image in missing if image.image_id not in known]


def _ingest_rejected(services: Services, reason: str | None, *, as_json: bool) -> None:
    with progress("images") as show:
        queued = services.backlog.enqueue_rejected(reason, show)
    if reason and not queued:
        tell(no_such_reason(services.rejected, reason))
    if as_json:
        print_json({"queued": queued})
        return
    which = f"rejected:{reason}" if reason else "rejected"
    images = counted(queued, "image that is", "images that are")
    console().print(Text(f"queued: {images} {plain(which)}, to be read once more"))


def _ingest_all(services: Services, *, as_json: bool) -> None:
    with progress_of_parts() as parts:
        report = services.backlog.enqueue_all(parts)
    if as_json:
        print_json({"blobs": report.blobs, "queued": report.queued, "unusable": list(report.unusable)})
        return
    told = f"queued: {report.queued:,} of {counted(report.blobs, 'blob')}; the others are known as they are"
    console().print(Text(told))
    for name in report.unusable:
        console().print(Text(f"left out, because of characters that no path may have: {plain(name)}", style="yellow"))
