"""The command, run in the test's process against in-memory twins of the storage."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from typer.main import get_command
from typer.testing import CliRunner, Result

from dedup_app.ports.features import FeaturesRow
from dedup_app.ports.image_status import INDEXED, ImageStatus
from dedup_app.ports.pairs import PairRow
from dedup_app.records.group_records import facts_of, records_of
from dedup_app.services import Services
from dedup_cli.local import compare
from dedup_cli.local.local_files import limits_here
from dedup_cli.main import app
from dedup_core.color.color_metrics import ColorMetrics
from dedup_core.comparison.verdict import Verdict, VerdictKind
from dedup_core.limits import DecodeLimits
from dedup_core.paths import ImagePath
from dedup_decoders import opening
from dedup_decoders.pool import DecoderPool
from tests.app.world import World
from tests.remembered import remember

# Before any test puts something else into a module that a command takes names from.
assert list(get_command(app).commands.values())

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
"""A moment for all rows."""

type Run = Callable[..., Result]


@dataclass
class Known:
    """Fills the in-memory storage with images and pairs."""

    services: Services

    def image(self, name: str, status: ImageStatus = INDEXED, detail: str = "") -> ImagePath:
        path = ImagePath("images", name)
        known = self.services.features.get(path.image_id)
        tag = known.tag if known else ""
        self.services.features.put(FeaturesRow(path, "0x1", status, None, detail, NOW, tag=tag))
        return path

    def pair(self, left: str, right: str, kind: VerdictKind | None, *reasons: str) -> PairRow:
        metrics = None if kind is VerdictKind.UNVERIFIABLE else ColorMetrics(1.25, 2.5, 0.975)
        verdict = None if kind is None else Verdict(kind, reasons, metrics, 12, "mirrored")
        row = PairRow(
            self.image(left), self.image(right), "0x1", "0x1", verdict, 12, "mirrored", NOW if verdict else None
        )
        if verdict is None:
            self.services.pairs.open(row)
        else:
            self.services.pairs.put_verdict(row)
            self.services.verdict_log.append(
                [
                    *map(facts_of, self.services.features.summaries([row.left.image_id, row.right.image_id]).values()),
                    *records_of(row),
                ]
            )
        return row


@pytest.fixture(autouse=True)
def _remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    remember(monkeypatch)


def memory_services() -> Services:
    """Every port in memory, all of it empty."""
    return World().services


@pytest.fixture
def services() -> Services:
    return memory_services()


@pytest.fixture
def known(services: Services) -> Known:
    return Known(services)


@pytest.fixture(scope="session")
def decoders() -> Iterator[DecoderPool]:
    with DecoderPool(limits_here(), children=2) as decoders:
        yield decoders


@pytest.fixture
def kept_decoders(decoders: DecoderPool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that decode are there before the command and after it: to start them takes most of a small scan."""

    usual = limits_here()

    def kept(limits: DecodeLimits, *, children: int) -> AbstractContextManager[DecoderPool]:
        return nullcontext(decoders) if limits == usual else DecoderPool(limits, children=children)

    monkeypatch.setattr(opening, "open_decoders", kept)
    monkeypatch.setattr(compare, "open_decoders", kept)


@pytest.fixture
def dedup(services: Services) -> Run:
    """Runs `dedup ARGUMENTS` and returns its result; wide enough that no cell wraps."""

    def run(*arguments: str) -> Result:
        return CliRunner(env={"COLUMNS": "300", "XDG_CACHE_HOME": os.devnull}).invoke(app, arguments, obj=services)

    return run
