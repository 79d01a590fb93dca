"""Gives `UseDevelopmentStorage=true` a storage: an Azurite of our own, and its real connection string."""

import contextlib
import socket
from collections.abc import MutableMapping
from pathlib import Path

from local_host.azurite import DEFAULT_PORTS, FREE_PORTS, Azurite

DEVELOPMENT_STORAGE = "usedevelopmentstorage=true"


def start_development_storage(environ: MutableMapping[str, str], location: Path | None) -> Azurite | None:
    """Start Azurite if any setting asks for it, and put its connection string in the place of the short form.

    On the usual ports if they are free, so that other tools find it with `UseDevelopmentStorage=true` too.
    """
    names = [name for name, value in environ.items() if value.strip().rstrip(";").lower() == DEVELOPMENT_STORAGE]
    if not names:
        return None
    ports = DEFAULT_PORTS if all(_is_free(port) for port in DEFAULT_PORTS) else FREE_PORTS
    azurite = Azurite(location, ports=ports).start()
    for name in names:
        environ[name] = azurite.connection_string
    return azurite


def _is_free(port: int) -> bool:
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
