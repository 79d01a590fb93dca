"""Gives `UseDevelopmentStorage=true` a storage: an Azurite of our own, and its real connection string."""

from collections.abc import MutableMapping
from pathlib import Path

from local_host.azurite import DEFAULT_PORTS, FREE_PORTS, Azurite, PortTakenError

DEVELOPMENT_STORAGE = "usedevelopmentstorage=true"


def start_development_storage(environ: MutableMapping[str, str], location: Path | None) -> Azurite | None:
    """Start Azurite if any setting asks for it, and put its connection string in the place of the short form.

    On the usual ports if they are free, so that other tools find it with `UseDevelopmentStorage=true` too.
    """
    names = [name for name, value in environ.items() if value.strip().rstrip(";").lower() == DEVELOPMENT_STORAGE]
    if not names:
        return None
    try:
        azurite = Azurite(location, ports=DEFAULT_PORTS).start()
    except PortTakenError:
        azurite = Azurite(location, ports=FREE_PORTS).start()
    for name in names:
        environ[name] = azurite.connection_string
    return azurite
