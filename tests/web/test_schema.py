"""Whatever the description of the API allows, it answers as it says, and never with a failure of its own."""

from functools import cache

import schemathesis
from hypothesis import settings
from schemathesis.checks import not_a_server_error, response_schema_conformance, status_code_conformance
from starlette.types import ASGIApp, Receive, Scope, Send

from dedup_web.app import create_app
from tests.app.world import World
from tests.web.served import KEY, photographs_world

DESCRIPTION = "/api/openapi.json"


@cache
def application(*, empty: bool) -> ASGIApp:
    world = World() if empty else photographs_world()
    return create_app(world.services, who="ann", key=KEY)


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Photographs are taken in when they are asked for: every process asks for the description while it collects."""
    await application(empty=scope.get("path") == DESCRIPTION)(scope, receive, send)


schema = schemathesis.openapi.from_asgi(DESCRIPTION, app, headers={"x-functions-key": KEY})


@schema.parametrize()
@settings(max_examples=6, deadline=None)
def test_the_api_keeps_its_word(case):
    case.call_and_validate(
        headers={"x-functions-key": KEY},
        checks=(not_a_server_error, status_code_conformance, response_schema_conformance),
    )
