"""Sign-in in front of the app: who decided is who signed in, and nobody is believed who they are without it."""

import pytest
from fastapi.testclient import TestClient

from dedup_web.app import create_app
from tests.app.world import World
from tests.web.served import photographs_world

ANN = {"x-ms-client-principal-name": "ann@example.com", "x-ms-client-principal-id": "11111111"}
A_PROGRAM = {"x-ms-client-principal-id": "22222222"}


@pytest.fixture
def world() -> World:
    return photographs_world(sign_in=True)


def client_of(world: World) -> TestClient:
    return TestClient(create_app(world.services, who="key"), raise_server_exceptions=False)


@pytest.mark.parametrize(("headers", "name"), [(ANN, "ann@example.com"), (A_PROGRAM, "22222222")])
def test_a_decision_is_noted_with_who_signed_in(world: World, headers: dict[str, str], name: str):
    client = client_of(world)
    group = client.get("/api/groups", headers=headers).json()["groups"][0]["id"]
    done = client.post(f"/api/groups/{group}/decision", json={"act": "duplicate"}, headers=headers).json()
    assert {it["decided"]["by"] for it in done} == {name}


def test_whoever_was_let_through_without_signing_in_is_told_nothing(world: World):
    for path in ("/api/groups", "/api/review", "/api/docs", "/"):
        answer = client_of(world).get(path)
        assert (answer.status_code, answer.json()) == (401, {"detail": "sign in first"})


@pytest.mark.parametrize("path", ["/runtime/webhooks/api/groups", "/admin/x", "/runtime/webhooks/%2e%2e%2fapi/groups"])
def test_paths_that_need_no_sign_in_lead_to_nothing_of_the_page(world: World, path: str):
    """A name in a header of theirs may come from anybody."""
    answer = client_of(world).get(path, headers=ANN)
    assert (answer.status_code, answer.json()) == (404, {"detail": "there is nothing here"})  # not by the router


@pytest.mark.parametrize("headers", [ANN, A_PROGRAM, {"x-ms-client-principal": "e30="}])
def test_without_sign_in_a_header_that_names_a_person_is_refused(headers: dict[str, str]):
    client = client_of(photographs_world())
    assert client.get("/api/groups", headers=headers).status_code == 403
    assert client.get("/api/groups").status_code == 200


def test_on_ones_own_machine_the_key_counts_whatever_azure_does_elsewhere(world: World):
    client = TestClient(create_app(world.services, who="ann", key="k"))
    assert client.get("/api/groups").status_code == 401
    assert client.get("/api/groups", headers={"x-functions-key": "k"}).status_code == 200
