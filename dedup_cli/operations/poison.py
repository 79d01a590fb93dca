"""`dedup poison`: messages that failed on every try."""

import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated

import typer
from rich.text import Text

from dedup_app.operations.poison import PoisonService
from dedup_app.ports.queues import BLOB_TRIGGER_QUEUE
from dedup_cli.connection import services_of
from dedup_cli.presentation.failures import InputError
from dedup_cli.presentation.output import console, counted, plain, plain_table, print_json
from dedup_core.messages import message_excerpt


class Action(StrEnum):
    """What to do with the messages."""

    LIST = "list"
    REDRIVE = "redrive"
    PURGE = "purge"


def poison(
    context: typer.Context,
    action: Annotated[
        Action, typer.Argument(metavar="ACTION", help="Show them, have them tried again, or throw them away.")
    ],
    queue: Annotated[str | None, typer.Option(help="Only those of this queue, such as verify-pairs.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="With purge: do not ask.")] = False,
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
    if yes and action is not Action.PURGE:
        raise InputError("--yes is for purge: nothing else asks")
    match action:
        case Action.LIST:
            _list(service, queues, as_json=as_json)
        case Action.REDRIVE:
            _redrive(service, queues, as_json=as_json)
        case Action.PURGE:
            _purge(service, queues, yes=yes, as_json=as_json)


def _list(service: PoisonService, queues: Sequence[str], *, as_json: bool) -> None:
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
    hidden = 0 if failed else _count(service, queues)
    at_work = "in the hands of the timer or of a redrive now: look again in two minutes"
    nothing = f"{_kept(hidden)} {at_work}" if hidden else "no message failed on every try"
    console().print(table if failed else Text(nothing, style="dim"))


def _redrive(service: PoisonService, queues: Sequence[str], *, as_json: bool) -> None:
    sent = sum(service.redrive(name) for name in queues)
    if as_json:
        print_json({"queues": list(queues), "sent": sent})
    else:
        told = f"sent: {counted(sent, 'message')}, to be tried again" if sent else "no message was sent"
        kept = _count(service, queues)
        throws = f"; {_kept(kept)} understood by nobody: `dedup poison purge` throws away what is left" if kept else ""
        console().print(Text(told + throws))


def _count(service: PoisonService, queues: Sequence[str]) -> int:
    """How many failed, without the host's own queue: how many there are ours is not known for sure."""
    return sum(service.count(name) for name in queues if name != BLOB_TRIGGER_QUEUE)


def _kept(count: int) -> str:
    return counted(count, "message stays, and is", "messages stay, and are")


def _purge(service: PoisonService, queues: Sequence[str], *, yes: bool, as_json: bool) -> None:
    counts = {name: count for name in queues if (count := service.count(name))}
    if counts and not yes:
        told = ("up to " if BLOB_TRIGGER_QUEUE in counts else "") + _told(counts)
        if not sys.stdin.isatty():
            raise InputError(f"{told} would be thrown away for good: --yes goes ahead")
        typer.confirm(f"Throw away {told} for good?", abort=True, err=True)
    purged = {name: count for name in counts if (count := service.purge(name))}
    if as_json:
        print_json({"queues": list(queues), "sent": 0, "purged": purged})
    else:
        console().print(Text(f"purged: {_told(purged)}" if purged else "no message was there to be thrown away"))


def _told(counts: Mapping[str, int]) -> str:
    by_queue = ", ".join(f"{name}: {count:,}" for name, count in counts.items())
    return f"{counted(sum(counts.values()), 'message')} ({by_queue})"
