"""Where the candidate index is when it is kept in PostgreSQL: the setting INDEX_URL, taken apart and checked."""

from dataclasses import dataclass, field
from typing import Self
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

INDEX_URL = "INDEX_URL"
_SCHEMES = ("postgresql", "postgres")
_QUERY = ("host", "sslrootcert")
_PORT = 5432
_SPECIAL = "special characters of a password are written as %2F"


@dataclass(frozen=True, slots=True)
class IndexAddress:
    """A database on a server, or on this machine behind the socket in the folder `host`.

    Without a password an identity signs in, whose database role is `user`; sockets need neither. `root_certificates`
    is a file with those that the server's certificate must follow from, empty for the usual ones.
    """

    host: str
    port: int
    database: str
    user: str
    password: str = field(default="", repr=False)
    root_certificates: str = ""

    @property
    def is_local(self) -> bool:
        """Whether it is reached through a socket of this machine, which nobody can listen to."""
        return self.host.startswith("/")

    @classmethod
    def parse(cls, text: str) -> Self:
        """`postgresql://user@host/database`, or `postgresql://user@/database?host=/folder` for a socket.

        Raises `ValueError` with what is wrong; the text itself, which may hold a password, is not in it.
        """
        url = _split(text)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        if url.scheme not in _SCHEMES:
            raise ValueError("it must begin with postgresql://")
        if query.keys() - set(_QUERY):
            # The certificate is checked in any case: a way to leave that out would be used by accident. What else is
            # there may be the rest of a password with a question mark in it, and is not named.
            raise ValueError(f"only {' and '.join(_QUERY)} can be set in it; {_SPECIAL}")
        host = query.get("host") or unquote(url.hostname or "")
        database = unquote(url.path.removeprefix("/"))
        if not host or "," in host or ("host" in query and not host.startswith("/")):
            raise ValueError("it must name a host, or the folder of a socket as ?host=/folder")
        if not database or "/" in database or not url.username:
            raise ValueError("it must name a user and a database")
        return cls(
            host,
            _port(url),
            database,
            unquote(url.username),
            unquote(url.password or ""),
            query.get("sslrootcert", ""),
        )


def _split(text: str) -> SplitResult:
    try:
        return urlsplit(text)
    except ValueError:  # whose text may quote a part of the password
        raise ValueError(f"it is no address; {_SPECIAL}") from None


def _port(url: SplitResult) -> int:
    try:
        return url.port or _PORT
    except ValueError:  # as above
        raise ValueError(f"its port is no number; {_SPECIAL}") from None
