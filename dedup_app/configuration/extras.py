"""Packages that come with an extra: a sentence where one is missing."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from dedup_core.errors import InvalidSetting


@contextmanager
def from_extra(asked: str, packages: Collection[str], extras: str) -> Iterator[None]:
    """Import what needs these packages, with which `asked` is asked. Raises `InvalidSetting` where one is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in packages:
            raise
        raise InvalidSetting(
            f"{asked} is asked with the package {error.name}, which comes with an extra: {how_to_install(extras)}"
        ) from error


def how_to_install(extras: str) -> str:
    return f"in a clone, pip install '.[{extras}]'"
