"""`dedup enqueue`: ask for a verification by hand."""

from typing import Annotated

import typer
from rich.text import Text

from dedup_cli.connection import services_of
from dedup_cli.named_images import image_path, not_in_container
from dedup_cli.presentation.failures import InputError
from dedup_cli.presentation.output import as_argument, console, plain, print_json
from dedup_core.messages import VerifyMessage, VerifyTarget


def enqueue(
    context: typer.Context,
    left: Annotated[str, typer.Argument(metavar="LEFT", help="An image, as container/name or URL.")],
    rights: Annotated[list[str], typer.Argument(metavar="RIGHT", help="The images to compare it with.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print what was queued for a program.")] = False,
) -> None:
    """Queue a verification of LEFT against each RIGHT; the app answers within seconds.

    Example: dedup enqueue images/a.jpg images/b.jpg images/c.jpg
    """
    services = services_of(context)
    left_path = image_path(services, left)
    right_paths = list(dict.fromkeys(image_path(services, right) for right in rights))
    if left_path in right_paths:
        raise InputError(f"{left_path} cannot be compared with itself: name another image")
    missing = not_in_container(services, [left_path, *right_paths])
    if missing:
        raise InputError(f"there is no image {', '.join(map(str, missing))}: nothing was queued")
    message = VerifyMessage(left_path, tuple(VerifyTarget(path) for path in right_paths))
    for part in message.split():
        services.verify_queue.send(part)
    if as_json:
        print_json({"left": str(left_path), "rights": [str(path) for path in right_paths]})
    else:
        for path in right_paths:
            console().print(Text(f"queued: {plain(str(left_path))} against {plain(str(path))}"), soft_wrap=True)
        hint = f"see the verdict with: dedup duplicates --all {as_argument(str(left_path))}"
        console().print(Text(hint, style="dim"), soft_wrap=True)
