"""Whatever the description of the API allows, it answers as it says, and never with a failure of its own."""

import schemathesis
from hypothesis import settings
from schemathesis.checks import not_a_server_error, response_schema_conformance, status_code_conformance

from dedup_web.app import create_app
from tests.web.served import KEY, photographs_world

APP = create_app(photographs_world().services, who="ann", key=KEY)
schema = schemathesis.openapi.from_asgi("/api/openapi.json", APP, headers={"x-functions-key": KEY})


@schema.parametrize()
@settings(max_examples=6, deadline=None)
def test_the_api_keeps_its_word(case):
    case.call_and_validate(
        headers={"x-functions-key": KEY},
        checks=(not_a_server_error, status_code_conformance, response_schema_conformance),
    )
