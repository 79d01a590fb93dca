"""`dedup ingest`: have images that are already there fingerprinted and looked up."""

from typing import Annotated

import typer
from rich.text import Text

from dedup_cli.connection import image_path, services_of
from dedup_cli.output import console, plain, print_json
from dedup_core.messages import IngestMessage


def ingest(
    context: typer.Context,
    paths: Annotated[list[str], typer.Argument(metavar="PATH", help="Images, as container/name or URL.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print what was queued for a program.")] = False,
) -> None:
    """Queue images that landed before the app ran to be fingerprinted and looked up.

    An image that the app knows and that has not changed since is left as it is.

    Example: dedup ingest images/a.jpg images/b.jpg
    """
    services = services_of(context)
    images = list(dict.fromkeys(image_path(services, path) for path in paths))
    for image in images:
        services.ingest_queue.send(IngestMessage(image))
    if as_json:
        print_json({"queued": [str(image) for image in images]})
    else:
        for image in images:
            console().print(Text(f"queued: {plain(str(image))}"))
