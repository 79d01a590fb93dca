"""Who needs which right where, and for what; infra/ grants the smallest built-in roles for it, tests compare both.

Actions are those of Azure's built-in roles, without `Microsoft.Storage/storageAccounts/.../`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from infra.tools.snapshots import ROLE_ASSIGNMENTS, ROLE_DEFINITIONS, Resource
from infra.tools.ways import DEPLOYER

APP = "the app"
TOPIC = "Event Grid"
PERSON = "whoever deploys"

TAGS = frozenset({"blobs/tags/read", "blobs/tags/write"})
LINK_KEYS = "generateUserDelegationKey"  # to have any effect, on a whole account

# What each built-in role allows; those that infra/ does not use are here because they are the smaller choice.
ROLES: dict[str, frozenset[str]] = {
    "Storage Blob Data Owner": frozenset(
        {
            *("containers/read", "containers/write", "containers/delete", "blobs/read", "blobs/write", "blobs/delete"),
            *("blobs/add", "blobs/*", LINK_KEYS),
        }
    ),
    "Storage Blob Data Contributor": frozenset(
        {
            *("containers/read", "containers/write", "containers/delete", "blobs/read", "blobs/write", "blobs/delete"),
            *("blobs/add", LINK_KEYS),
        }
    ),
    "Storage Blob Data Reader": frozenset({"containers/read", "blobs/read", LINK_KEYS}),
    "Storage Blob Delegator": frozenset({LINK_KEYS}),
    "Storage Queue Data Contributor": frozenset(
        {
            *("queues/read", "queues/write", "queues/delete", "messages/read", "messages/write", "messages/delete"),
            *("messages/process", "messages/add"),
        }
    ),
    "Storage Queue Data Message Processor": frozenset({"messages/read", "messages/process"}),
    "Storage Queue Data Message Sender": frozenset({"messages/add"}),
    "Storage Queue Data Reader": frozenset({"queues/read", "messages/read"}),
    "Storage Table Data Contributor": frozenset(
        {"tables/read", "tables/write", "tables/delete", "entities/read", "entities/write", "entities/delete"}
    ),
    "Storage Table Data Reader": frozenset({"tables/read", "entities/read"}),
    "Blob Tags": TAGS,  # of our own: see docs/decisions/0026-tags.md
    "Monitoring Metrics Publisher": frozenset({"telemetry/write"}),
    "Event Grid Data Sender": frozenset({"events/send"}),
}


@dataclass(frozen=True, slots=True)
class Need:
    """Actions on a kind of place, and the code that takes them."""

    who: str
    where: str
    actions: frozenset[str]
    why: str


NEEDS = (
    Need(
        APP,
        "host account",
        frozenset({"blobs/*", "containers/write"}),
        "the Functions host keeps locks, keys and timers there and reads the package; the role that Microsoft asks for",
    ),
    Need(
        APP,
        "host account",
        frozenset({"queues/write", "messages/add", "messages/process", "messages/write", "messages/delete"}),
        "the Functions host makes and works off its queue of blob events",
    ),
    Need(
        APP,
        "images container",
        frozenset({"blobs/read"}),
        "`dedup_storage/images/blobs.py` reads and lists images; nothing can change or delete one",
    ),
    Need(
        APP,
        "images container",
        TAGS,
        "`dedup_storage/images/blob_tags.py` says in tags what is known of images, where `TAG_IMAGES`",
    ),
    Need(
        APP,
        "images account",
        frozenset({LINK_KEYS}),
        "links to originals, good for five minutes, open what the app may read and nothing else; where `originalLinks`",
    ),
    Need(
        APP,
        "index container",
        frozenset({"blobs/read", "blobs/write", "blobs/add", "blobs/delete"}),
        "`logs/segments.py` and `snapshot_blobs.py` in `dedup_storage` list, write, read and delete",
    ),
    Need(
        APP,
        "work queues",
        frozenset({"queues/read", "messages/add", "messages/read", "messages/process", "messages/write"}),
        "`dedup_storage/messaging/queues.py` sends; the host receives, prolongs, retries later and deletes, and"
        " scales by length",
    ),
    Need(
        APP,
        "poison queues",
        frozenset({"messages/add", "messages/read", "messages/process", "messages/write"}),
        "the host sets aside what failed at its last try; the timer looks at it, has it tried again, slowly, and puts"
        " back what it leaves",
    ),
    Need(
        APP,
        "tables",
        frozenset({"entities/read", "entities/write", "entities/delete"}),
        "`dedup_storage/tables/entity_table.py` reads and writes rows, and clears away those that are too old",
    ),
    Need(APP, "Application Insights", frozenset({"telemetry/write"}), "logs, requests and metrics, without a key"),
    Need(
        APP,
        "notification topic",
        frozenset({"events/send"}),
        "verdicts, decisions and rejections, where `NOTIFY_TOPIC`",
    ),
    Need(TOPIC, "dead-letter container", frozenset({"blobs/write"}), "events that could not be delivered within a day"),
    Need(TOPIC, "events queue", frozenset({"messages/add"}), "events, where `EVENT_DELIVERY` is `queue`"),
    Need(
        PERSON,
        "images account",
        frozenset({"blobs/read", "blobs/write", "blobs/delete", "blobs/add"}),
        "uploads; `dedup ingest --all` lists images, `dedup reindex` writes the log anew, `dedup apply`, `undo` and "
        "`purge` move and delete copies with these rights alone",
    ),
    Need(PERSON, "images container", TAGS, "decisions and `dedup reindex` tag images, where `TAG_IMAGES`"),
    Need(
        PERSON,
        "images account",
        frozenset({"queues/read", "messages/read", "messages/add", "messages/process", "messages/delete"}),
        "`dedup status` counts and shows messages, `dedup enqueue` and `ingest` send them, `dedup poison` clears them",
    ),
    Need(
        PERSON,
        "images account",
        frozenset({"entities/read", "entities/write", "entities/delete"}),
        "`dedup duplicates` and `dedup groups` read verdicts; decisions are written; `dedup reconcile` mends rows",
    ),
)


@dataclass(frozen=True, slots=True)
class Grant:
    """A role assignment of the Bicep."""

    who: str
    where: str
    role: str
    scope: str


def grants(resources: Iterable[Resource], roles: dict[str, str]) -> list[Grant]:
    """What is granted; `roles` are the ids by their names in infra/roles.json, those of our own are resources."""
    resources = list(resources)
    names = {role_id: _display_name(key) for key, role_id in roles.items()}
    names |= {
        it.name: it.properties["roleName"].partition(" of ")[0] for it in resources if it.type == ROLE_DEFINITIONS
    }
    found = []
    for it in resources:
        if it.type == ROLE_ASSIGNMENTS:
            who = _who(str(it.properties["principalId"]))
            role = names[it.properties["roleDefinitionId"].rpartition("/")[2]]
            found.append(Grant(who, place(it.scope, who), role, it.scope))
    return found


def place(scope: str, who: str) -> str:
    """The kind of place that a resource is, as NEEDS names it for those who go there."""
    kind, name = scope.split("/")[-2:]
    plain = {"components": "Application Insights", "tables": "tables", "topics": "notification topic"}
    if kind in plain:
        return plain[kind]
    match kind:
        case "storageAccounts":
            return "host account" if name.startswith("sthost") else "images account"
        case "containers":
            base = "dedup-index" if name.endswith("-dedup-index") else name  # behind the namespace
            return {"dead-letters": "dead-letter container", "dedup-index": "index container"}.get(
                base, "images container"
            )
        case "queues" if who == TOPIC:
            return "events queue"
        case "queues":
            return "poison queues" if name.endswith("-poison") else "work queues"
        case _:
            raise ValueError(f"{scope} is no place that rights are needed in")


def _who(principal: str) -> str:
    if principal == DEPLOYER:
        return PERSON
    return TOPIC if principal.startswith("<identity.principalId of ") else APP


def _display_name(key: str) -> str:
    return "".join(f" {letter}" if letter.isupper() else letter for letter in key).strip().title()
