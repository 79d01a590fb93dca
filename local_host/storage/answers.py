"""Answers of a storage that make no sense, as from a broken proxy: an error of Azure like any other."""

from collections.abc import Iterator
from contextlib import contextmanager
from xml.etree.ElementTree import ParseError

from azure.core.exceptions import AzureError

# What the SDKs raise for a header that is missing or garbled; DeserializationError is a ValueError.
GARBLED = (AttributeError, KeyError, ParseError, TypeError, ValueError)


class GarbledAnswerError(AzureError):
    """The storage has answered something that the SDK cannot read."""


@contextmanager
def sane_answers() -> Iterator[None]:
    """Turn what the SDKs raise for a garbled answer into an AzureError, so that it is tried again like any other."""
    try:
        yield
    except GARBLED as error:
        raise GarbledAnswerError(f"the storage's answer makes no sense: {error!r}") from error
