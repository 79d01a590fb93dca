"""`dedup review`: the review page on one's own machine, with one's own rights on the account."""

import getpass
import secrets
import socket
import webbrowser
from typing import Annotated

import typer
from rich.text import Text

from dedup_app.collector import paused_collector
from dedup_app.configuration.extras import how_to_install
from dedup_app.feedback.decision_lines import is_unicode
from dedup_cli.connection import services_of
from dedup_cli.presentation.failures import InputError
from dedup_cli.presentation.output import console

ADDRESS = "127.0.0.1"


def review(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="The port of the page; 0 takes a free one.", min=0, max=65535)] = 0,
    name: Annotated[str, typer.Option("--as", help="The name to note decisions under. Default: your user name.")] = "",
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
) -> None:
    """Look at groups of copies side by side and decide about them, on a page that only this machine can reach.

    Nothing has to be deployed: the page reads the account that the settings name. It ends with Ctrl-C.

    Example: dedup review --as ann
    """
    with paused_collector():
        try:
            import uvicorn  # noqa: PLC0415 - only where the page is served

            from dedup_web.app import create_app  # noqa: PLC0415
        except ModuleNotFoundError as error:
            raise InputError(f"{error.name} is missing: {how_to_install('cli')}") from error
        services = services_of(context)
    who = name or _own_name()
    if not is_unicode(who):
        raise InputError("the name for your decisions is no Unicode: give another one with --as")
    key, first_key = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((ADDRESS, port))
        except OSError as error:
            raise InputError(
                f"cannot use port {port} ({error.strerror}): choose another one, or 0 for a free one"
            ) from error
        host = f"{ADDRESS}:{listening.getsockname()[1]}"
        app = create_app(services, who=who, key=key, first_key=first_key, hosts=frozenset({host}))
        address = f"http://{host}/api/review?code="
        console().print(Text(address + key, no_wrap=True, overflow="ignore"), soft_wrap=True)
        console().print(Text(f"decisions are noted under the name {who}; Ctrl-C ends it", style="dim"))
        if browser:
            webbrowser.open(address + first_key)  # all users of the machine see with what programs are started
        uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off")).run(sockets=[listening])


def _own_name() -> str:
    try:
        return getpass.getuser()
    except OSError as error:  # as in a container that runs under a number of its own
        raise InputError("you have no name on this machine: give the one for your decisions with --as") from error
