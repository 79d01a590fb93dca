"""`dedup poison`: messages that failed on every try."""

from enum import StrEnum
from typing import Annotated

import typer
from rich.text import Text

from dedup_cli.connection import services_of
from dedup_cli.failures import InputError
from dedup_cli.output import console, plain, plain_table, print_json
from dedup_core.messages import message_excerpt


class Action(StrEnum):
    """What to do with the messages."""

    LIST = "list"
    REDRIVE = "redrive"
    PURGE = "purge"


def poison(
    context: typer.Context,
    action: Annotated[Action, typer.Argument(help="Show them, have them tried again, or throw them away.")],
    queue: Annotated[str | None, typer.Option(help="Only those of this queue, such as verify-pairs.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it for a program.")] = False,
) -> None:
    """List, redrive or purge the messages that failed on every try, each with its last error.

    The app has them tried again by itself, every hour; redrive does it at once.

    Example: dedup poison list
    """
    service = services_of(context).poison
    if queue is not None and queue not in service.queues:
        raise InputError(f"there is no queue {queue}: name one of {', '.join(service.queues)}")
    queues = service.queues if queue is None else (queue,)
    if action is not Action.LIST:
        _act(context, action, queues, as_json=as_json)
        return
    failed = [it for name in queues for it in service.failed(name)]
    if as_json:
        print_json(
            [
                {
                    "queue": it.message.queue,
                    "since": it.message.since.isoformat(),
                    "message": message_excerpt(it.message.body),
                    "error": it.error,
                }
                for it in failed
            ]
        )
        return
    table = plain_table("queue", "since (UTC)", "message", "last error")
    for it in failed:
        since = f"{it.message.since:%Y-%m-%d %H:%M:%S}"
        table.add_row(it.message.queue, since, Text(plain(message_excerpt(it.message.body))), Text(plain(it.error)))
    console().print(table if failed else Text("no message failed on every try", style="dim"))


def _act(context: typer.Context, action: Action, queues: tuple[str, ...], *, as_json: bool) -> None:
    service = services_of(context).poison
    done: dict[str, int | None] = {}
    for name in queues:
        if action is Action.PURGE:
            service.purge(name)
        done[name] = service.redrive(name) if action is Action.REDRIVE else None
    if as_json:
        print_json({"queues": list(done), "sent": sum(count or 0 for count in done.values())})
    elif action is Action.REDRIVE:
        console().print(Text(f"sent: {sum(count or 0 for count in done.values())} messages, to be tried again"))
    else:
        console().print(Text(f"purged: {', '.join(done)}"))
