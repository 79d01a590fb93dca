"""The blob trigger's input: which blob it is, and nothing else.

The usual `azurefunctions-extensions-bindings-blob` gives a `BlobClient`, for which it imports the storage and identity
SDKs (0.3 s of CPU at every cold start) and makes a new client and credential for every call. The triggers need only the
name, which stands in what the host sends; it is taken from there through the interface that extensions are made with.
"""

import json
from typing import Any

from azurefunctions.extensions.base import Datum, InConverter, SdkType  # type: ignore[import-untyped]


class BlobName(SdkType):  # type: ignore[misc]
    """Annotate the trigger's argument with it: the host then sends no content, only the container and the name."""

    def __init__(self, *, container: str, name: str) -> None:
        super().__init__()
        self.container = container
        self.name = name

    def get_sdk_type(self) -> "BlobName":
        return self


class BlobNameConverter(InConverter, binding="blob", trigger="blobTrigger"):  # type: ignore[misc, call-arg]
    """Registers itself with the worker when this module is loaded."""

    @classmethod
    def check_input_type_annotation(cls, pytype: type) -> bool:
        return issubclass(pytype, BlobName)

    @classmethod
    def decode(cls, data: Datum, *, trigger_metadata: Any, pytype: type) -> BlobName:  # noqa: ARG003 - given by name
        if data is None or data.type != "model_binding_data":
            raise ValueError(f"the host sent no reference to a blob but {getattr(data, 'type', None)!r}")
        content = json.loads(data.value.content)
        return BlobName(container=content["ContainerName"], name=content["BlobName"])

    @classmethod
    def has_implicit_output(cls) -> bool:
        return False
