"""The API: groups and decisions over HTTP, nobody without the key, and no other site."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from dedup_app.configuration.storage_connection import StorageConnection
from dedup_app.feedback.decisions import Act
from dedup_app.queries.review import State
from dedup_app.records.group_records import facts_of
from dedup_core.comparison.sides import ALIKE
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.decoding.headers.header import Header
from dedup_core.decoding.working_image import WorkingImage
from dedup_core.errors import StoreBusy
from dedup_core.features import ImageFeatures
from dedup_core.groups.facts import Link
from dedup_core.paths import ImagePath
from dedup_decoders.in_process import InProcessDecoders
from dedup_web.app import create_app
from dedup_web.image_routes import MOST_HITS
from tests.app.world import World, photo
from tests.web.served import HOSTILE, KEY, encoded, photograph, photographs_world

HEADERS = {"x-functions-key": KEY}


@pytest.fixture(scope="module")
def shared() -> World:
    return photographs_world()


def client_of(world: World, **headers: str) -> TestClient:
    app = create_app(world.services, who="ann", key=KEY)
    return TestClient(app, headers=HEADERS | headers, raise_server_exceptions=False)


@pytest.fixture
def client(shared: World) -> TestClient:
    return client_of(shared)


def groups(client: TestClient, **wanted: object) -> dict:
    return client.get("/api/groups", params=wanted).json()


@pytest.mark.parametrize(
    "body", [b"\xff\xfe", b'{"act": NaN}', b'{"act": "undo", "\\ud800": 1}', b'{"keeper": "\\ud800"}']
)
@pytest.mark.parametrize("kind", ["application/json", "image/png"])
def test_a_decision_that_is_none_is_refused_whatever_it_holds(client: TestClient, body: bytes, kind: str):
    group = groups(client)["groups"][0]["id"]
    answer = client.post(f"/api/groups/{group}/decision", content=body, headers={"content-type": kind})
    assert answer.status_code == 400
    assert answer.json()["detail"]


def test_an_invalid_request_is_told_in_a_sentence_that_names_what_is_wrong(client: TestClient):
    answer = client.get("/api/groups", params={"size": 0, "state": "closed"})
    assert (answer.status_code, answer.json()["detail"]) == (
        400,
        "state: Input should be 'open', 'decided' or 'all'; size: Input should be greater than or equal to 1",
    )
    described = client.get("/api/openapi.json").json()
    answers = {code for path in described["paths"].values() for it in path.values() for code in it["responses"]}
    assert "400" in answers
    assert "HTTPValidationError" not in str(described)


def test_what_can_be_got_can_be_asked_for_by_its_head(client: TestClient):
    for path in ("/api/review", "/api/groups", f"/api/images/{'0' * 32}", "/api/nothing"):
        got, head = client.get(path), client.head(path)
        assert (head.status_code, head.content) == (got.status_code, b"")
        assert head.headers.get("content-type") == got.headers["content-type"]
    assert client.head("/api/check").status_code == 405
    assert client.head("/api/groups", headers={"x-functions-key": ""}).status_code == 401
    assert client.head("/api/groups", headers={"sec-fetch-site": "cross-site"}).status_code == 403


def test_without_the_key_nothing_is_told(client: TestClient):
    for path in ("/api/groups", "/api/review", "/api/docs", "/api/stats", "/api/images/" + "0" * 32):
        for key in ("", "wrong"):
            answer = client.get(path, headers={"x-functions-key": key})
            assert (answer.status_code, KEY in answer.text) == (401, False)
    assert client.get(f"/api/groups?code={KEY}", headers={"x-functions-key": ""}).status_code == 200


def test_the_key_that_a_browser_is_started_with_opens_the_page_once(shared: World):
    app = create_app(shared.services, who="ann", key=KEY, first_key="first", hosts=frozenset({"127.0.0.1:8000"}))
    client = TestClient(app, "http://127.0.0.1:8000", follow_redirects=False)
    assert client.get("/api/review?code=first", headers={"host": "evil.example"}).status_code == 421
    opened = client.get("/api/review?code=first")
    assert (opened.status_code, opened.headers["cache-control"]) == (303, "no-store")
    assert client.get(opened.headers["location"]).status_code == 200
    again = client.get("/api/review?code=first")
    assert (again.status_code, "another user of this machine was faster" in again.json()["detail"]) == (401, True)


@pytest.mark.parametrize(
    ("key", "reason", "remedy"),
    [
        ("", "the key is missing", "open the address that dedup review printed"),
        ("wrong", "the key is wrong", "open the address that it printed last"),
    ],
)
def test_a_missing_and_a_wrong_key_are_told_apart_to_people_and_programs(
    client: TestClient, key: str, reason: str, remedy: str
):
    told = client.get("/api/groups", headers={"x-functions-key": key}).json()["detail"]
    assert told.startswith(reason)
    assert remedy in told
    browser = {"x-functions-key": "", "accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    answer = client.get("/api/review", params={"code": key}, headers=browser)
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("text/html")
    assert f"<h1>{reason.capitalize()}</h1>" in answer.text
    assert remedy in answer.text.replace("Open", "open")
    nonce = answer.headers["content-security-policy"].split("'nonce-")[1].split("'")[0]
    assert f"nonce='{nonce}'" in answer.text


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://elsewhere.example"}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}],
)
def test_other_sites_decide_and_see_nothing(client: TestClient, headers: dict[str, str]):
    group = groups(client)["groups"][0]["id"]
    answer = client.post(f"/api/groups/{group}/decision", json={"act": "duplicate"}, headers=headers)
    assert answer.status_code == 403
    if "sec-fetch-site" in headers:
        assert client.get("/api/groups", headers=headers | {"sec-fetch-mode": "no-cors"}).status_code == 403


def test_another_sites_form_decides_nothing(client: TestClient):
    """A browser says that it navigates there, and an old one leaves out where from."""
    group = groups(client)["groups"][0]["id"]
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    answer = client.post(f"/api/groups/{group}/decision", json={"act": "duplicate"}, headers=headers)
    assert answer.status_code == 403
    assert client.get("/api/review", headers=headers).status_code == 200


def test_another_host_is_refused(shared: World):
    app = create_app(shared.services, who="ann", key=KEY, hosts=frozenset({"127.0.0.1:8000"}))
    assert TestClient(app, headers=HEADERS, base_url="http://evil.example").get("/api/groups").status_code == 421
    assert TestClient(app, headers=HEADERS, base_url="http://127.0.0.1:8000").get("/api/groups").status_code == 200


def test_every_answer_is_locked_down(client: TestClient):
    answer = client.get("/api/review")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy  # which nothing above implies
    assert "unsafe" not in policy
    assert "http" not in policy
    nonce = policy.split("'nonce-")[1].split("'")[0]
    assert answer.text.count(f'nonce="{nonce}"') == 2
    assert nonce not in client.get("/api/review").headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "//cdn" not in answer.text


def test_groups_come_with_their_keeper_and_why(client: TestClient):
    found = groups(client, verdict="duplicate")
    kept = {group["keeper"]["path"] for group in found["groups"]}
    assert {"images/catalog/cat.jpg", "images/catalog/astronaut.png"} <= kept
    assert (found["total"], found["decided"]) == (len(found["groups"]), 0)
    assert {group["keeper"]["path"]: group["why"] for group in found["groups"]}["images/catalog/cat.jpg"]
    assert HOSTILE in {
        member["image"]["path"].removeprefix("images/") for it in found["groups"] for member in it["members"]
    }
    [identical] = groups(client, identical="true")["groups"]
    assert identical["keeper"]["path"] == "images/catalog/coffee.jpg"


def test_groups_are_found_by_a_part_of_a_name():
    world = World()
    for number, name in enumerate(("Été/Café 1.png", "sale/50%25 off.png", "Z.png")):
        for copy in ("", "copy of "):
            world.upload_and_ingest(f"{copy}{name}", photo(number + 1))
    client = client_of(world)
    for part, found in (
        ("ca", 1),
        ("cafe\u0301", 1),
        ("ÉTÉ/", 1),
        ("50%25 OFF", 1),
        ("images/", 0),
        ("png", 3),
        ("", 3),
    ):
        assert len(groups(client, name=part)["groups"]) == found, part


def test_a_group_says_of_which_images_nobody_can_tell_who_is_the_original():
    world = photographs_world()
    known = {it.path.name: facts_of(it) for it in world.features.all_summaries()}
    pair = known["catalog/astronaut.png"], known["catalog/rocket.jpg"]
    world.services.verdict_log.append([Link.of(*pair, VerdictKind.ALTERED, 1, "upright", ALIKE)])
    client = client_of(world)
    [unsure] = groups(client, verdict="altered", prefix="catalog/rocket")["groups"]
    assert (unsure["unsure"], [it["unsure"] for it in unsure["members"]]) == (True, [True])
    [sure] = groups(client, verdict="duplicate", prefix="catalog/cat")["groups"]
    assert (sure["unsure"], [it["unsure"] for it in sure["members"]]) == (False, [False])


def test_a_group_says_which_of_its_images_a_person_told_apart():
    world = photographs_world()
    small, other = ImagePath("images", "uploads/cat-small.jpg"), ImagePath("images", "uploads/cat-tiny.jpg")
    world.upload_and_ingest(other.name, encoded(photograph("chelsea.png").resize((200, 133))))
    world.verify_all()
    client = client_of(world)
    told = client.post(f"/api/pairs/{small.image_id}/{other.image_id}/decision", json={"act": "not_duplicate"})
    assert told.status_code == 200
    [group] = groups(client, verdict="duplicate", prefix="catalog/cat")["groups"]
    found = {it["image"]["path"]: (it["told_apart"], it["may_go"]) for it in group["members"]}
    assert found[str(small)] == found[str(other)] == (True, False)
    assert group["bytes_to_gain"] == 0


def test_an_image_of_a_group_is_decided_about_as_it_was_shown_also_after_a_decision_about_other_bytes():
    world = photographs_world()
    keeper, small = ImagePath("images", "catalog/cat.jpg"), ImagePath("images", "uploads/cat-small.jpg")
    client = client_of(world)
    pair = f"/api/pairs/{keeper.image_id}/{small.image_id}/decision"
    assert client.post(pair, json={"act": "not_duplicate"}).status_code == 200
    world.upload_and_ingest(small.name, encoded(photograph("chelsea.png").resize((200, 133))))
    world.verify_all()
    [group] = groups(client, verdict="duplicate", prefix="catalog/cat")["groups"]
    [member] = group["members"]
    assert (member["decided"], member["decided_before"]["decision"]) == (None, "not_duplicate")
    told = client.post(pair, json={"act": "duplicate", "shown": member["shown"]})
    assert told.status_code == 200
    assert client.post(pair, json={"act": "not_duplicate", "shown": member["shown"]}).status_code == 409


def test_one_group_shows_what_was_measured(client: TestClient):
    group = groups(client, prefix="catalog/cat", verdict="duplicate")["groups"][0]
    whole = client.get(f"/api/groups/{group['id']}").json()
    assert len(whole["members"]) == len(group["members"]) > 0
    for member in whole["members"]:
        assert member["comparison"]["verdict"] == "duplicate"
        assert member["comparison"]["reasons"]
        assert member["comparison"]["pixel_difference"] >= 0


def test_pages_follow_each_other_without_gaps(client: TestClient):
    seen, cursor = [], None
    while True:
        page = groups(client, size=2, state="all", **({"cursor": cursor} if cursor else {}))
        seen += [group["id"] for group in page["groups"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert len(seen) == len(set(seen)) == page["matching"]
    assert client.get("/api/groups?cursor=nonsense").status_code == 400


def test_groups_are_narrowed_by_the_day_of_their_verdicts(client: TestClient):
    everything = groups(client, verdict="duplicate", state="all")["matching"]
    assert groups(client, verdict="duplicate", state="all", since="2026-05-31")["matching"] == everything > 0
    assert groups(client, verdict="duplicate", state="all", since="2026-06-01")["matching"] == 0


def test_a_first_page_costs_no_look_at_the_tables(shared: World, client: TestClient):
    groups(client)
    shared.calls.clear()
    groups(client)
    assert shared.calls == []


def test_a_decision_is_noted_with_its_person_and_can_be_taken_back():
    world = photographs_world()
    client = client_of(world)
    group = groups(client, prefix="catalog/cat", verdict="duplicate")["groups"][0]
    done = client.post(f"/api/groups/{group['id']}/decision", json={"act": "duplicate"}).json()
    assert {it["decided"]["by"] for it in done} == {"ann"}
    assert groups(client, prefix="catalog/cat", verdict="duplicate")["groups"] == []
    assert len(groups(client, state="decided")["groups"]) == 1
    pair = done[0]
    undo = client.post(f"/api/pairs/{pair['left']}/{pair['right']}/decision", json={"act": "undo"})
    assert undo.json()["decided"] is None
    assert client.post(f"/api/pairs/{pair['left']}/{pair['right']}/decision", json={"act": "undo"}).status_code == 409
    keeper = group["members"][0]["image"]["id"]
    client.post(f"/api/groups/{group['id']}/decision", json={"act": "keeper", "keeper": keeper})
    assert client.get(f"/api/groups/{group['id']}").json()["keeper"]["id"] == keeper
    assert client.post("/api/groups/" + "0" * 32 + "-duplicate/decision", json={"act": "duplicate"}).status_code == 409


def test_whoever_hands_back_what_was_shown_decides_about_nothing_else():
    world = photographs_world()
    client = client_of(world)
    [group] = groups(client, prefix="catalog/cat", verdict="duplicate")["groups"]
    assert client.get(f"/api/groups/{group['id']}").json()["shown"] == group["shown"]
    world.upload_and_ingest("uploads/cat-small.jpg", encoded(photograph("chelsea.png"), quality=60))
    world.verify_all()
    refused = client.post(f"/api/groups/{group['id']}/decision", json={"act": "duplicate", "shown": group["shown"]})
    assert (refused.status_code, "look at it once more" in refused.json()["detail"]) == (409, True)
    [group] = groups(client, prefix="catalog/cat", verdict="duplicate")["groups"]
    [done] = client.post(
        f"/api/groups/{group['id']}/decision", json={"act": "duplicate", "shown": group["shown"]}
    ).json()
    pair = f"/api/pairs/{done['left']}/{done['right']}"
    other = client.get(pair).json()
    client.post(f"{pair}/decision", json={"act": "not_duplicate", "shown": other["shown"]})
    assert client.post(f"{pair}/decision", json={"act": "keep_both", "shown": other["shown"]}).status_code == 409
    assert client.post(f"{pair}/decision", json={"act": "undo", "undoes": done["decided"]}).status_code == 409
    assert client.get(pair).json()["decided"]["decision"] == "not_duplicate"


def test_a_thumbnail_is_small_and_kept_by_the_browser(client: TestClient):
    image = groups(client)["groups"][0]["keeper"]
    first = client.get(f"/api/images/{image['id']}/thumbnail")
    assert first.headers["content-type"] == "image/jpeg"
    assert first.content[:3] == b"\xff\xd8\xff"
    assert "private" in first.headers["cache-control"]
    again = client.get(f"/api/images/{image['id']}/thumbnail", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_pictures_are_shown_as_they_were_compared(client: TestClient):
    group = groups(client, prefix="catalog/rocket")["groups"][0]
    left, right = group["keeper"]["id"], group["members"][0]["image"]["id"]
    sides = [client.get(f"/api/pairs/{left}/{right}/aligned/{side}").content for side in ("left", "right")]
    assert sides[0] != sides[1]


def test_both_sides_that_a_page_asks_for_at_once_cost_one_read_of_each_picture(monkeypatch: pytest.MonkeyPatch):
    world = photographs_world()
    client, read = client_of(world), world.images.read
    group = groups(client, prefix="catalog/rocket")["groups"][0]
    url = f"/api/pairs/{group['keeper']['id']}/{group['members'][0]['image']['id']}/aligned/"

    def slowly(path: ImagePath, **how: Any) -> Any:
        time.sleep(0.3)
        return read(path, **how)

    monkeypatch.setattr(world.images, "read", slowly)
    world.images.reads.clear()
    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(lambda side: client.get(url + side), ("left", "right")))
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(world.images.reads) == 2


def test_two_sides_that_could_not_be_read_are_tried_again(monkeypatch: pytest.MonkeyPatch):
    world = photographs_world()
    client = client_of(world)
    group = groups(client, prefix="catalog/rocket")["groups"][0]
    url = f"/api/pairs/{group['keeper']['id']}/{group['members'][0]['image']['id']}/aligned/left"
    with monkeypatch.context() as patched:
        patched.setitem(world.images.failures, ImagePath.parse(group["keeper"]["path"]), StoreBusy("it is busy"))
        assert client.get(url).status_code == 503
    assert client.get(url).status_code == 200


def test_an_original_is_sent_whole_with_the_type_of_its_content_and_its_name(client: TestClient):
    [group] = [it for it in groups(client)["groups"] if it["keeper"]["path"] == "images/catalog/astronaut.png"]
    original = client.get(f"/api/images/{group['members'][0]['image']['id']}/original")
    assert original.headers["content-type"] == "image/jpeg"
    assert original.headers["content-disposition"] == f"inline; filename*=UTF-8''{quote(HOSTILE)}"
    assert len(original.content) == group["members"][0]["image"]["bytes"]
    assert original.headers["cache-control"] == "no-store"  # its address stays the same when it is overwritten


def test_files_that_are_sent_or_asked_about_take_room_in_the_budget_as_all_others_do(monkeypatch: pytest.MonkeyPatch):
    world = photographs_world(max_image_bytes=1_000_000, download_budget_bytes=3_000_000)
    files = world.services.budgets._files
    taken: dict[str, set[int]] = {}

    def note(step: str) -> None:
        taken.setdefault(step, set()).add(3_000_000 - files.free)

    class Watching(InProcessDecoders):
        def features_and_picture(self, data: bytes, header: Header | None = None) -> tuple[ImageFeatures, WorkingImage]:
            note("decode")
            return super().features_and_picture(data, header)

    world.services.decoders = Watching(world.settings.limits)
    world.before = lambda _number, step: note(step)
    app = create_app(world.services, who="ann", key=KEY)

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        async def noted(message: Message) -> None:
            note(message["type"])
            await send(message)

        await app(scope, receive, noted)

    client = TestClient(watched, headers=HEADERS)
    image = groups(client, prefix="catalog/cat")["groups"][0]["keeper"]["id"]
    taken.clear()
    assert client.get(f"/api/images/{image}/original").status_code == 200
    assert taken["images.read"] == taken["http.response.body"] == {1_000_000}
    asked = encoded(photograph("chelsea.png"), quality=93)
    for sent in ({"content": asked}, {"params": {"path": "images/uploads/cat-small.jpg"}}):
        taken.clear()
        assert client.post("/api/check", **sent).json()["known"]  # type: ignore[arg-type]
        assert len(taken["decode"]) == 1
        assert 0 not in taken["decode"]
        assert taken["images.read"] == {1_000_000}  # candidates come when the file asked about is gone
        assert taken["http.response.body"] == {0}
    assert client.post("/api/check", content=b"no picture").status_code == 422
    assert client.post("/api/check", content=bytes(1_000_001)).status_code == 413
    monkeypatch.setitem(world.images.failures, ImagePath("images", "catalog/cat.jpg"), StoreBusy("it is busy"))
    assert client.get(f"/api/images/{image}/original").status_code == 503
    assert files.free == 3_000_000


def test_where_storage_gives_links_an_original_is_a_link_that_nobody_keeps():
    world = photographs_world()
    world.services.original_links = Links()
    client = client_of(world)
    image = groups(client, prefix="catalog/cat")["groups"][0]["keeper"]["id"]
    world.calls.clear()
    answer = client.get(f"/api/images/{image}/original", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (302, "https://photos/images/catalog/cat.jpg#image/jpeg")
    assert answer.headers["cache-control"] == "no-store"
    assert world.calls == []
    assert client.get("/api/images/" + "0" * 32 + "/original").status_code == 404
    world.services.original_links = Links(refused=True)
    assert client.get(f"/api/images/{image}/original").status_code == 200


class Links:
    def __init__(self, *, refused: bool = False) -> None:
        self.refused = refused

    def link(self, path: ImagePath, media_type: str) -> str | None:
        return None if self.refused else f"https://photos/{path}#{media_type}"


def test_it_is_told_whether_a_picture_is_here_and_nothing_is_stored(shared: World, client: TestClient):
    before = len(list(shared.features.all()))
    copy = photograph("chelsea.png").resize((300, 200))
    found = client.post("/api/check", content=encoded(copy)).json()
    assert found["known"]
    assert {hit["path"] for hit in found["hits"]} & {"images/catalog/cat.jpg"}
    stranger = client.post("/api/check", content=encoded(photograph("hubble.jpg"))).json()
    assert stranger == {"known": False, "hits": []}
    assert client.post("/api/check", content=b"no picture").status_code == 422
    assert len(list(shared.features.all())) == before


def test_rejected_files_and_statistics_are_told(client: TestClient):
    [file] = rejected(client)
    assert (file["path"], file["reason"]) == ("images/uploads/notes.jpg", "unsupported-format")
    assert "whatever the name says" in file["detail"]
    stats = client.get("/api/stats").json()
    assert stats["images"]["indexed"] == 10
    assert stats["counted_all"]
    today = stats["days"][-1]
    assert (len(stats["days"]), today["day"], today["images"]) == (30, "2026-05-31", 10)
    assert sum(today["verdicts"].values()) >= 4
    assert today["verdicts"]["identical"] == 1
    assert today["reads_saved"] == 6 * today["comparisons"] - today["reads"] > 0
    assert sum(day["images"] for day in stats["days"]) == 10


def rejected(client: TestClient, size: int = 100) -> list[dict]:
    """All of them, page by page."""
    seen, cursor = [], ""
    while cursor is not None:
        page = client.get("/api/rejected", params={"cursor": cursor, "size": size}).json()
        seen += page["rejected"]
        cursor = page["next_cursor"]
    return seen


def test_a_look_at_the_rejected_or_at_the_statistics_reads_a_bounded_part(monkeypatch: pytest.MonkeyPatch):
    world = photographs_world()
    client = client_of(world)
    for number in range(30):
        world.upload_and_ingest(f"broken{number}.jpg", b"no picture")
    assert len(rejected(client, size=4)) == len(rejected(client)) == 31
    assert client.get("/api/rejected?cursor=nonsense").status_code == 400
    monkeypatch.setattr("dedup_web.overview_routes.MOST_COUNTED", 5)
    stats = client.get("/api/stats").json()
    assert (sum(stats["images"].values()), stats["counted_all"]) == (5, False)


def test_an_image_of_the_container_is_checked_by_its_path(shared: World, client: TestClient):
    found = client.post("/api/check", params={"path": "images/uploads/cat-small.jpg"}).json()
    paths = {hit["path"] for hit in found["hits"]}
    assert found["known"]
    assert "images/catalog/cat.jpg" in paths
    assert "images/uploads/cat-small.jpg" not in paths
    assert client.post("/api/check", params={"path": "images/nowhere.jpg"}).status_code == 404
    assert client.post("/api/check", params={"path": "elsewhere/a.jpg"}).status_code == 400


def test_an_image_of_another_account_is_not_answered_for_by_ours():
    client = client_of(photographs_world(image_storage=StorageConnection("AccountName=photos")))
    ours, theirs = (f"https://{it}.blob.core.windows.net/images/catalog/cat.jpg" for it in ("photos", "elsewhere"))
    assert client.post("/api/check", params={"path": ours}).json()["known"]
    refused = client.post("/api/check", params={"path": theirs})
    assert (refused.status_code, "'elsewhere'" in refused.json()["detail"]) == (400, True)


def test_however_many_are_gone_a_copy_that_is_there_is_found():
    world, asked = photographs_world(), encoded(photograph("hubble.jpg"))
    for number in range(MOST_HITS + 2):
        world.upload_and_ingest(f"uploads/{number}.jpg", asked)
    client = client_of(world)
    for path in (hit["path"] for hit in client.post("/api/check", content=asked).json()["hits"]):
        world.images.delete(ImagePath.parse(path))
    left = client.post("/api/check", content=asked).json()
    assert (left["known"], len(left["hits"])) == (True, 2)


@pytest.mark.parametrize("data", [None, b"no picture"])
def test_what_cannot_be_read_any_more_hides_no_other_copy_from_who_asks(data: bytes | None):
    world = photographs_world()
    gone, asked = ImagePath("images", "catalog/cat.jpg"), encoded(photograph("chelsea.png"), quality=93)
    if data is None:
        world.images.delete(gone)
    else:
        world.images.put(gone, data)
    found = client_of(world).post("/api/check", content=asked)
    assert (found.status_code, found.json()["known"]) == (200, True)
    assert "images/catalog/cat.jpg" not in {hit["path"] for hit in found.json()["hits"]}


def test_the_reference_shows_every_operation_as_text(client: TestClient):
    page = client.get("/api/docs").text
    for path in client.get("/api/openapi.json").json()["paths"]:
        assert path in page
    for values in (State, Act):
        assert ", ".join(f"<code>{it}</code>" for it in values) in page
    assert "<script" not in page


def test_pairs_that_would_tell_most_are_asked_for_and_any_pair_by_its_images(client: TestClient, shared: World):
    asked = client.get("/api/telling", params={"size": 5}).json()
    assert all(it["turns_into"] and it["comparison"]["verdict"] != it["turns_into"] for it in asked)
    a, b = (ImagePath("images", name).image_id for name in ("catalog/cat.jpg", "uploads/cat-small.jpg"))
    found = client.get(f"/api/pairs/{a}/{b}").json()
    assert ({found["left"]["id"], found["right"]["id"]}, found["comparison"]["verdict"]) == ({a, b}, "duplicate")
    assert client.get(f"/api/pairs/{a}/{'0' * 32}").status_code == 404


def test_precision_that_people_have_seen_is_told():
    client = client_of(photographs_world())
    assert client.get("/api/precision").json()["seen"] == []
    group = next(it for it in groups(client, verdict="duplicate")["groups"] if not it["identical"])
    client.post(f"/api/groups/{group['id']}/decision", json={"act": "not_duplicate"})
    told = client.get("/api/precision").json()
    assert sum(it["denied"]["count"] for it in told["seen"]) == len(group["members"])
    assert (told["is_low"], list(told["kinds"])) == (False, ["2026-05"])
