"""Whatever the description of the API allows, it answers as it says, and never with a failure of its own."""

import pytest
import schemathesis
from hypothesis import settings
from schemathesis.checks import not_a_server_error, response_schema_conformance, status_code_conformance
from schemathesis.schemas import BaseSchema

from dedup_web.app import create_app
from tests.web.served import KEY, photographs_world

HEADERS = {"x-functions-key": KEY}


@pytest.fixture
def description(request: pytest.FixtureRequest) -> BaseSchema:
    request.node._nodeid = request.node.nodeid  # schemathesis asks for it there, where pytest 9.2 no longer has it
    app = create_app(photographs_world().services, who="ann", key=KEY)
    return schemathesis.openapi.from_asgi("/api/openapi.json", app, headers=HEADERS)


# By a fixture, because to draw from the description while tests are collected would take seconds of every process.
schema = schemathesis.pytest.from_fixture("description")


@schema.parametrize()
@settings(max_examples=6)
def test_the_api_keeps_its_word(case):
    case.call_and_validate(
        headers=HEADERS, checks=(not_a_server_error, status_code_conformance, response_schema_conformance)
    )
