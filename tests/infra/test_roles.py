"""The app may do what its code does, and no more: SDK calls are held against the needs, the needs against the roles."""

import ast
import re
from itertools import chain

import pytest
from azure.data.tables import TableClient, TableServiceClient
from azure.storage.blob import BlobClient, BlobServiceClient, ContainerClient
from azure.storage.queue import QueueClient, QueueServiceClient

from infra.tools.rights import APP, LINK_KEYS, NEEDS, PERSON, ROLES, TAGS, TOPIC, grants
from infra.tools.snapshots import ROLE_ASSIGNMENTS, ROLE_DEFINITIONS
from infra.tools.tables import role_ids
from tests.infra.deployments import FILES, ROOT, WAYS, app_settings, everything, way

OPTIONAL = "blobs/tags/read"  # whoever may not is told, and can do without
# The module of each kind of place, and the action that each of its calls to the SDK takes.
CALLS = {
    "images/blobs.py": {
        (APP, "images container"): {"download_blob": "blobs/read", "get_blob_properties": "blobs/read"}
        | {"list_blobs": "blobs/read"},
    },
    "images/blob_tags.py": {
        (who, "images container"): {"get_blob_tags": OPTIONAL, "set_blob_tags": "blobs/tags/write"}
        for who in (APP, PERSON)
    },
    "images/original_links.py": {(APP, "images account"): {"get_user_delegation_key": LINK_KEYS}},
    "images/movable_blobs.py": {
        (PERSON, "images account"): {
            "get_blob_properties": "blobs/read",
            "get_blob_tags": OPTIONAL,
            "download_blob": "blobs/read",
            "list_blobs": "blobs/read",
            "start_copy_from_url": "blobs/write",
            "acquire_lease": "blobs/write",
            "delete_blob": "blobs/delete",
        },
    },
    "logs/segments.py": {
        (APP, "index container"): {
            "append_block": "blobs/add",
            "create_append_blob": "blobs/write",
            "download_blob": "blobs/read",
            "list_blob_names": "blobs/read",
            "delete_blob": "blobs/delete",
        },
    },
    "logs/snapshot_blobs.py": {
        (APP, "index container"): {
            "list_blobs": "blobs/read",
            "download_blob": "blobs/read",
            "upload_blob": "blobs/write",
            "acquire_lease": "blobs/write",
            "stage_block": "blobs/write",
            "commit_block_list": "blobs/write",
            "delete_blob": "blobs/delete",
        },
    },
    "messaging/queues.py": {
        (APP, "work queues"): {"send_message": "messages/add", "get_queue_properties": "queues/read"},
        (APP, "poison queues"): {"peek_messages": "messages/read"},
        (PERSON, "images account"): {"get_queue_properties": "queues/read", "peek_messages": "messages/read"},
    },
    "messaging/poison_queues.py": {
        (APP, "poison queues"): {
            "receive_messages": "messages/process",
            "delete_message": "messages/process",
            "update_message": "messages/write",
        },
        (PERSON, "images account"): {"clear_messages": "messages/delete"},
    },
    "tables/entity_table.py": {
        (APP, "tables"): {
            "get_entity": "entities/read",
            "query_entities": "entities/read",
            "list_entities": "entities/read",
            "upsert_entity": "entities/write",
            "create_entity": "entities/write",
            "update_entity": "entities/write",
            "delete_entity": "entities/delete",
            "submit_transaction": "entities/write",
        },
    },
}
STORAGE = ROOT / "dedup_storage"
MODULES = sorted(it.relative_to(STORAGE).as_posix() for it in STORAGE.rglob("*.py"))
# Only where something is missing, which infra/ has made before the app starts: no role is needed for them.
NEVER_IN_AZURE = {"create_container", "create_queue", "create_table"}
LOCAL = {"get_blob_client", "get_container_client", "get_queue_client", "get_table_client", "from_connection_string"}
CLIENTS = (
    *(BlobServiceClient, ContainerClient, BlobClient),
    *(QueueServiceClient, QueueClient),
    *(TableServiceClient, TableClient),
)
SDK = {name for client in CLIENTS for name in dir(client) if not name.startswith("_")} - LOCAL - {"close", "url"}


def sdk_calls(module: str) -> set[str]:
    text = (STORAGE / module).read_text(encoding="utf-8")
    if "from azure." not in text:
        return set()
    tree = ast.parse(text)
    calls = (it.func for it in ast.walk(tree) if isinstance(it, ast.Call))
    return {it.attr for it in calls if isinstance(it, ast.Attribute) and it.attr in SDK}


def needs(who: str, where: str, *, tags: bool = True) -> set[str]:
    """With `tags`, where images are tagged."""
    wanted = (it for it in NEEDS if (it.who, it.where) == (who, where) and (tags or it.actions != TAGS))
    return set(chain.from_iterable(it.actions for it in wanted))


def has_tags(name: str) -> bool:
    return app_settings(name)["TAG_IMAGES"] == "true"


@pytest.mark.parametrize("module", MODULES)
def test_every_call_to_the_sdk_is_listed_with_the_action_that_it_takes(module: str):
    listed = set(chain.from_iterable(CALLS.get(module, {}).values()))
    assert sdk_calls(module) - NEVER_IN_AZURE == listed


@pytest.mark.parametrize("module", CALLS)
def test_every_action_that_a_call_takes_is_among_the_needs(module: str):
    for (who, where), calls in CALLS[module].items():
        assert set(calls.values()) - {OPTIONAL} <= needs(who, where)


def test_what_only_the_command_does_is_not_done_by_any_function():
    functions = ["ingest", "verify", "blob_events", "reporting", "pairing", "loader_totals", "rejection"]
    for name in functions:
        (file,) = (ROOT / "dedup_app").rglob(f"{name}.py")
        tree = ast.parse(file.read_text(encoding="utf-8"))
        called = {it.attr for it in ast.walk(tree) if isinstance(it, ast.Attribute)}
        assert called & {"lengths", "poison", "names"} == set()
    for file in (ROOT / "dedup_app" / "ledger").glob("*.py"):
        called = {it.attr for it in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(it, ast.Attribute)}
        assert called & {"lengths", "poison"} == set()
    app = ast.parse((ROOT / "function_app.py").read_text(encoding="utf-8"))
    assert not {"apply", "undo", "purge", "keep_plan", "movable_blobs"} & {
        it.attr for it in ast.walk(app) if isinstance(it, ast.Attribute)
    }
    used = {
        it.attr
        for it in ast.walk(app)
        if isinstance(it, ast.Attribute) and isinstance(it.value, ast.Name) and it.value.id == "services"
    }
    assert used <= {*functions, "reconcile", "poison", "ownership", "retention", "precision", "index", "now"}


@pytest.mark.parametrize("name", WAYS)
def test_every_need_is_granted_and_every_grant_is_needed(name: str):
    granted = grants(everything(name), role_ids())
    places = {(it.who, it.where) for it in granted}
    wanted = {(it.who, it.where) for it in NEEDS}
    if way(name).outputs["EVENT_DELIVERY"] == "trigger":
        wanted.remove((TOPIC, "events queue"))
    if "EVENTS_TOPIC_ENDPOINT" not in app_settings(name):
        wanted.remove((APP, "notification topic"))
    if app_settings(name)["ORIGINAL_LINKS"] == "false":
        wanted.remove((APP, "images account"))
    if not has_tags(name):
        wanted.remove((PERSON, "images container"))
    assert places == wanted
    for who, where in places:
        roles = {it.role for it in granted if (it.who, it.where) == (who, where)}
        assert needs(who, where, tags=has_tags(name)) <= set(chain.from_iterable(ROLES[role] for role in roles))


@pytest.mark.parametrize("name", WAYS)
def test_no_smaller_role_would_do(name: str):
    granted = grants(everything(name), role_ids())
    for grant in granted:
        beside = {it.role for it in granted if it.scope == grant.scope and it.who == grant.who and it != grant}
        left = needs(grant.who, grant.where, tags=has_tags(name)) - set(
            chain.from_iterable(ROLES[role] for role in beside)
        )
        assert left, f"{grant} is not needed"
        enough = {role for role, actions in ROLES.items() if left <= actions and len(actions) < len(ROLES[grant.role])}
        assert enough == set(), f"{grant} could be smaller"


@pytest.mark.parametrize("name", WAYS)
def test_the_app_has_no_right_on_the_whole_images_account_but_to_sign_links(name: str):
    granted = [it for it in grants(everything(name), role_ids()) if it.who == APP and it.where != "host account"]
    on_accounts = [it.role for it in granted if it.scope.split("/")[-2] == "storageAccounts"]
    assert on_accounts == ([] if name == "virtual network" else ["Storage Blob Delegator"])


def test_an_assignment_is_named_after_who_has_it():
    """None can be given to another principal, so one that is left of a deleted identity would refuse the next."""
    blocks = [it for file in FILES for it in re.split(r"^resource ", file.read_text(), flags=re.MULTILINE)]
    assignments = [it.partition("\n}")[0] for it in blocks if f"'{ROLE_ASSIGNMENTS}@" in it.partition("\n")[0]]
    assert len(assignments) > 10
    for it in assignments:
        (principal,) = re.findall(r"principalId: (\w+)", it)
        assert re.search(rf"name: guid\([\w\[\].]+, {principal}, ", it), it


def test_nobody_but_the_person_who_deploys_may_change_images():
    may = {
        it.who
        for it in grants(everything(), role_ids())
        if it.where in {"images container", "images account"} and "blobs/write" in ROLES[it.role]
    }
    assert may == {PERSON}


def test_the_page_names_a_role_for_what_nobody_is_given():
    """To find blobs by their tags takes blobs/filter/action, which of the roles here only one has."""
    page = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    (named,) = re.findall(r"# takes ([\w ]+), which nobody is given: .*\naz storage blob filter", page)
    assert "blobs/*" in ROLES[named]
    assert named not in {it.role for name in WAYS for it in grants(everything(name), role_ids()) if it.who == PERSON}


@pytest.mark.parametrize("name", WAYS)
def test_the_role_that_tags_images_may_do_that_and_nothing_else(name: str):
    made = [it.properties for it in everything(name) if it.type == ROLE_DEFINITIONS]
    assert len(made) == has_tags(name)
    for role in made:
        [allowed] = role["permissions"]
        assert {it.partition("containers/")[2] for it in allowed["dataActions"]} == TAGS
        assert allowed["actions"] == []
