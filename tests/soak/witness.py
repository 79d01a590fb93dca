"""A worker process of the local host that writes down what it does, apart from the statistics that the app keeps.

    python -m local_host start … --worker-module tests.soak.witness

Each process has a file of its own in the folder `SOAK_WITNESS`, a line for each thing that happens, there before
anything else is done, so that a SIGKILL takes none of it away.
"""

import functools
import json
import os
import secrets
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from dedup_app.pipeline.loader_totals import LoaderTotals
from dedup_app.pipeline.verify import VerifyService
from dedup_app.ports.pairs import PairRow, Written
from dedup_core.comparison import measure
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.errors import DedupError
from dedup_core.loading.loader import MemoryEfficientImageLoader
from dedup_storage.images.blobs import AzureImages
from dedup_storage.tables.pairs import AzurePairsTable
from dedup_storage.tables.stats import AzureStatsTable

FOLDER = "SOAK_WITNESS"
INGESTION, COMPARISON = "ingestion", "comparison"  # what an image is read for
WITHOUT_READS = "nothing was read"  # in the reason of a verdict that stored features decide

type Function = Callable[..., Any]
type Tell = Callable[..., None]


@contextmanager
def watching(tell: Tell, images: type = AzureImages) -> Iterator[None]:
    """Meanwhile everything that the statistics are about is told of, too."""
    watched: tuple[tuple[Any, str, Callable[[Function, Tell], Function]], ...] = (
        (images, "read", _of_read),
        (MemoryEfficientImageLoader, "_decode", _of_step("decode")),
        (measure, "measure_images", _of_step("measure")),
        (AzurePairsTable, "put_verdict", _of_put_verdict),
        (VerifyService, "_verify", _of_verify),
        (LoaderTotals, "_flush", _of_flush),
        (AzureStatsTable, "put", _of_put_statistics),
    )
    with ExitStack() as stack:
        for owner, name, told in watched:
            function = getattr(owner, name)
            stack.callback(setattr, owner, name, function)
            setattr(owner, name, told(function, tell))
        yield


def _of_read(read: Function, tell: Tell) -> Function:
    @functools.wraps(read)
    def told(*arguments: Any, **options: Any) -> Any:
        for_whom = INGESTION if "unless_etag" in options else COMPARISON
        try:
            source = read(*arguments, **options)
        except Exception as error:
            tell("read failed", whom=for_whom, reason=_reason(error))
            raise
        if source is not None:
            tell("read", whom=for_whom, bytes=len(source.data))
        return source

    return told


def _of_step(name: str) -> Callable[[Function, Tell], Function]:
    def made(step: Function, tell: Tell) -> Function:
        @functools.wraps(step)
        def told(*arguments: Any) -> Any:
            try:
                result = step(*arguments)
            except Exception as error:
                tell(f"{name} failed", reason=_reason(error))
                raise
            tell(name)
            return result

        return told

    return made


def _of_put_verdict(put: Function, tell: Tell) -> Function:
    @functools.wraps(put)
    def told(table: AzurePairsTable, pair: PairRow, **how: bool) -> Any:
        if pair.verdict is None or pair.verdict.kind is not VerdictKind.IDENTICAL:
            return put(table, pair, **how)
        sides = sorted(((pair.left.image_id, pair.left_version), (pair.right.image_id, pair.right_version)))
        if not any(WITHOUT_READS in reason for reason in pair.verdict.reasons):
            tell("same bytes compared", pair=sides)  # a comparison, which is counted as such
            return put(table, pair, **how)
        tell("same bytes tried", pair=sides)
        written: Written = put(table, pair, **how)
        tell("same bytes", pair=sides, written=written.value)
        return written

    return told


def _of_verify(verify: Function, tell: Tell) -> Function:
    @functools.wraps(verify)
    def told(*arguments: Any) -> Any:
        result = verify(*arguments)
        tell("given up", pairs=sum(verdict.kind is VerdictKind.UNVERIFIABLE for verdict in result[0]))
        return result

    return told


def _of_flush(flush: Function, tell: Tell) -> Function:
    @functools.wraps(flush)
    def told(totals: LoaderTotals) -> None:
        tell("flush")
        flush(totals)

    return told


def _of_put_statistics(put: Function, tell: Tell) -> Function:
    @functools.wraps(put)
    def told(table: AzureStatsTable, day: str, instance: str, totals: Any) -> None:
        tell("put", day=day, instance=instance, totals=totals.as_dict())
        put(table, day, instance, totals)
        tell("stored")

    return told


def _reason(error: Exception) -> str:
    return error.reason if isinstance(error, DedupError) else type(error).__name__


def main() -> int:
    from local_host.runtime.child import main as start  # noqa: PLC0415 - not where only `watching` is wanted

    file = Path(os.environ[FOLDER]) / f"{os.getpid()}-{secrets.token_hex(4)}.jsonl"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def tell(what: str, **more: Any) -> None:
        line = {"thread": threading.get_ident(), "what": what, **more}
        os.write(descriptor, json.dumps(line).encode() + b"\n")

    with watching(tell):
        exit_code = start(sys.argv[1:])
    tell("ended")
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
