"""Routes find their function and their parameters."""

import pytest

from local_host.http.routes import Route, find_route, make_route
from local_host.runtime.bindings import Function, HttpTrigger
from local_host.settings import SettingsError

GUID = "12345678-1234-1234-1234-123456789abc"


def route(template: str, *methods: str, name: str = "f", prefix: str = "api") -> Route:
    return make_route(Function(name, "id", HttpTrigger("req", template, frozenset(methods), "ANONYMOUS")), prefix)


@pytest.mark.parametrize(
    ("template", "path", "parameters"),
    [
        ("", "/api/f", {}),
        ("items", "/api/items/", {}),
        ("items", "/API/Items", {}),
        ("items/{id}", "/api/items/a%20b", {"id": "a b"}),
        ("items/{id}", "/api/items", None),
        ("items/{id}", "/api/items/a/b", None),
        ("items/{id:int}", "/api/items/7", {"id": "7"}),
        ("items/{id:int}", "/api/items/seven", None),
        ("items/{id:int?}", "/api/items", {}),
        ("items/{id=5}", "/api/items", {"id": "5"}),
        ("files/{*rest}", "/api/files/a/b.jpg", {"rest": "a/b.jpg"}),
        ("a/{x:alpha}/b/{y:guid}", f"/api/a/q/b/{GUID}", {"x": "q", "y": GUID}),
        ("a.b", "/api/axb", None),
    ],
)
def test_a_template_matches_as_in_the_host(template: str, path: str, parameters: dict[str, str] | None) -> None:
    assert route(template).match("GET", path) == parameters


def test_an_empty_prefix_puts_the_routes_at_the_root() -> None:
    assert route("review/{id}", prefix="").match("GET", "/review/7") == {"id": "7"}


def test_a_route_answers_only_its_methods() -> None:
    assert route("x", "POST").match("GET", "/api/x") is None
    assert route("x", "POST").match("POST", "/api/x") == {}
    assert route("x").match("DELETE", "/api/x") == {}


def test_the_more_exact_of_two_routes_is_taken() -> None:
    routes = [route("items/{id}", name="one"), route("items/latest", name="two")]
    found = find_route(routes, "GET", "/api/items/latest")
    assert found is not None
    assert found[0].function.name == "two"
    assert find_route(routes, "GET", "/api/nothing") is None


@pytest.mark.parametrize("template", ["a/{id:regex(^x$)}", "a/{id:int:min(1)}", "a/x{id}"])
def test_a_template_that_is_not_understood_is_refused(template: str) -> None:
    with pytest.raises(SettingsError, match="route"):
        route(template)
