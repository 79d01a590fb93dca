"""What the API says of the app as a whole: files that it could not read, what it has done, and what waits."""

from typing import Annotated

from fastapi import FastAPI, Query
from pydantic import BaseModel

from dedup_app.ports.findings import PREFIXES, Ledger
from dedup_app.queries.activity import Day
from dedup_app.queries.overview import Overview
from dedup_web import models
from dedup_web.context import PROBLEMS, Given

MOST_COUNTED = 20_000  # rows of images for one look at the statistics: twenty requests to storage


class DayModel(BaseModel):
    """One day (UTC). `images` came then, as far as they are still there; `verdicts` counts pairs by the verdict that
    they got then, `decisions` pairs that people decided, `reads` downloads for comparisons.
    """

    day: str
    images: int
    verdicts: dict[str, int]
    decisions: int
    comparisons: int
    comparisons_failed: int
    reads: int
    reads_saved: int
    failures_by_reason: dict[str, int]


class LedgerModel(BaseModel):
    """Whether every image is complete: in the index and compared with its look-alikes.

    So many `images` were looked at, of so many that are `known` by now, or of more where not all were counted.
    `slices` of `all_slices` were looked at, the first of them at `oldest`; `waiting` images will be complete by
    themselves.
    """

    images: int
    known: int
    complete: int
    waiting: int
    broken: int
    slices: int
    all_slices: int
    oldest: str | None
    found: dict[str, int]

    @classmethod
    def of(cls, ledger: Ledger, known: int) -> "LedgerModel":
        return cls(
            images=ledger.images,
            known=known,
            complete=ledger.complete,
            waiting=ledger.waiting,
            broken=ledger.broken,
            slices=ledger.slices,
            all_slices=len(PREFIXES),
            oldest=ledger.oldest.isoformat() if ledger.oldest else None,
            found={kind.value: count for kind, count in ledger.found.items()},
        )


class StatsModel(BaseModel):
    """What the app has done. `images` counts all images by status if `counted_all`, else those of the first rows; then
    the images of each day are estimated from them. `totals` are those of today, as the timer reported them last.
    """

    images: dict[str, int]
    counted_all: bool
    ledger: LedgerModel
    queues: dict[str, int]
    poison: dict[str, int]
    days: list[DayModel]
    totals: dict[str, int | float | dict[str, int]]

    @classmethod
    def of(cls, overview: Overview, days: list[Day]) -> "StatsModel":
        return cls(
            images={str(status): count for status, count in overview.images.items()},
            counted_all=overview.counted_all,
            ledger=LedgerModel.of(overview.ledger, overview.images_known),
            queues={name: it.waiting for name, it in overview.queues.items()},
            poison={name: it.poison for name, it in overview.queues.items()},
            days=[_day(day, overview) for day in days],
            totals=dict(overview.report.totals.as_dict()) if overview.report else {},
        )


def _day(day: Day, overview: Overview) -> DayModel:
    return DayModel(
        day=day.day,
        images=overview.images_of(day.day),
        verdicts={kind.value: count for kind, count in day.verdicts.items()},
        decisions=day.decisions,
        comparisons=day.totals.comparisons_performed,
        comparisons_failed=day.totals.comparisons_failed,
        reads=day.totals.images_downloaded,
        reads_saved=day.totals.reads_saved,
        failures_by_reason=day.totals.failures_by_reason,
    )


def add_overview(api: FastAPI) -> None:
    @api.get("/api/rejected", responses=PROBLEMS)
    def rejected(
        given: Given,
        cursor: Annotated[str, Query(max_length=64, description="Of the page before")] = "",
        size: Annotated[int, Query(ge=1, le=500, description="Files on a page")] = 100,
    ) -> models.RejectedPageModel:
        """One page of the files that could not be read, and why; each looks through a part of all images."""
        found = given.services.rejected.page(cursor, size)
        rows = [
            models.RejectedModel(path=str(it.path), reason=it.status.reason or "", detail=it.detail)
            for it in found.rows
        ]
        return models.RejectedPageModel(rejected=rows, next_cursor=found.next_cursor)

    @api.get("/api/stats", responses=PROBLEMS)
    def stats(given: Given) -> StatsModel:
        """What the app has done in the last thirty days, what waits, and what went wrong."""
        return StatsModel.of(given.services.overview.read(MOST_COUNTED), given.services.activity.days())
