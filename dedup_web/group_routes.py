"""What the API says of groups, and what people decide about them and about pairs."""

from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import FastAPI, Query, Request

from dedup_app.queries.review import GroupFilter, State
from dedup_core.groups.facts import Family
from dedup_web import models
from dedup_web.context import PROBLEMS, Given, path_of


def add_groups(api: FastAPI) -> None:
    _add_reading(api)
    _add_deciding(api)


def _add_reading(api: FastAPI) -> None:
    @api.get("/api/groups", responses=PROBLEMS)
    def list_groups(
        given: Given,
        *,
        verdict: Annotated[Family | None, Query(description="Only groups with this verdict")] = None,
        identical: Annotated[bool, Query(description="Only groups whose files are the same bytes")] = False,
        state: Annotated[State, Query(description="Groups that people decided, or not")] = State.OPEN,
        prefix: Annotated[
            str, Query(max_length=1024, description="Only groups with an image whose name begins with this")
        ] = "",
        name: Annotated[
            str,
            Query(
                max_length=1024,
                description="Only groups with an image whose name has this in it, in capital or small letters",
            ),
        ] = "",
        since: Annotated[date | None, Query(description="Only groups with a verdict since this day (UTC)")] = None,
        cursor: Annotated[str | None, Query(max_length=200, description="Of the page before")] = None,
        size: Annotated[int, Query(ge=1, le=200, description="Groups on a page")] = 50,
    ) -> models.GroupPageModel:
        """One page of groups, the newest first."""
        start = datetime(since.year, since.month, since.day, tzinfo=UTC) if since else None
        wanted = GroupFilter(verdict, identical, state, prefix, start, name)
        found = given.services.review.page(wanted, cursor, size)
        return models.GroupPageModel(
            groups=[models.GroupModel.of(group) for group in found.groups],
            next_cursor=found.next_cursor,
            matching=found.matching,
            total=found.total,
            decided=found.decided,
            bytes_to_gain=found.bytes_to_gain,
        )

    @api.get("/api/groups/{group_id}", responses=PROBLEMS)
    def read_group(given: Given, group_id: models.GroupId) -> models.GroupModel:
        """One group with what was measured of each of its images against the keeper."""
        group = given.services.decisions.group(group_id)
        return models.GroupModel.of(group, given.services.review.pairs_of(group))


def _add_deciding(api: FastAPI) -> None:
    @api.post("/api/groups/{group_id}/decision", responses=PROBLEMS)
    def decide_group(
        request: Request, given: Given, group_id: models.GroupId, body: models.DecisionRequest
    ) -> list[models.DecisionModel]:
        """Decide about all images of a group against its keeper."""
        keeper = path_of(given, body.keeper) if body.keeper else None
        done = given.services.decisions.decide_group(group_id, body.act, given.who(request), keeper, shown=body.shown)
        return [models.DecisionModel.of(it) for it in done]

    @api.post("/api/pairs/{left}/{right}/decision", responses=PROBLEMS)
    def decide_pair(
        request: Request, given: Given, left: models.ImageId, right: models.ImageId, body: models.DecisionRequest
    ) -> models.DecisionModel:
        """Decide about one pair."""
        sides = path_of(given, left), path_of(given, right)
        keeper = path_of(given, body.keeper) if body.keeper else None
        undoes = body.undoes.said if body.undoes else None
        done = given.services.decisions.decide_pair(
            *sides, body.act, given.who(request), keeper, shown=body.shown, undoes=undoes
        )
        return models.DecisionModel.of(done)
