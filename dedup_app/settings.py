"""The settings of the app: read once from the environment, every value checked, every error naming its setting."""

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from dedup_app.schedule import schedule_problem
from dedup_app.storage_connection import StorageConnection
from dedup_core.errors import InvalidPath, InvalidSetting
from dedup_core.limits import COMMON_FORMATS, RARE_FORMATS, DecodeLimits
from dedup_core.paths import ImagePath
from dedup_core.policy import PRESETS, Policy

if TYPE_CHECKING:
    from dedup_core.groups.keeper import KeeperPolicy

STORAGE = "ImageStorage"
BLOB_TRIGGER_SOURCES = ("LogsAndContainerScan", "EventGrid")
ISOLATIONS = ("confined", "separate", "off")
POLICY_PREFIX = "POLICY_"
# As in dedup_core/groups/keeper.py, which a start need not load.
KEEPER_STEPS = (
    *("prefix", "person", "clear", "scene", "upright", "detail"),
    *("camera", "quality", "first_save", "earlier", "larger"),
)
# The worker's own setting, read as the worker reads it: it configures the exporter before the app is loaded.
TELEMETRY = "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY"
TRUE_FOR_THE_WORKER = frozenset({"1", "true", "t", "yes", "y"})

_QUEUE = re.compile(r"(?=.{3,56}\Z)[a-z0-9]+(-[a-z0-9]+)*")
_CONNECTION_STRING = re.compile(r"(^|;)\s*(UseDevelopmentStorage=true|AccountName=.|BlobEndpoint=.)", re.IGNORECASE)
_GIBIBYTE = 1024**3


@dataclass(frozen=True)
class Settings:
    """Everything that can be set, with its default. `policy` and `limits` turn the numbers into what the core takes."""

    image_storage: StorageConnection | None = None
    image_container: str = "images"
    index_container: str = "dedup-index"
    verify_queue: str = "verify-pairs"
    ingest_queue: str = "ingest-images"
    events_queue: str = "blob-events"
    stats_schedule: str = "0 */5 * * * *"
    blob_trigger_source: str = "LogsAndContainerScan"
    max_image_bytes: int = 64 * 1024 * 1024
    max_image_pixels: int = 100_000_000
    image_formats: frozenset[str] = COMMON_FORMATS
    decoder_isolation: str = "separate"
    # Sixteen threads with large images stay under 512 MB with these: benchmarks/memory.py
    download_budget_bytes: int = 256 * 1024 * 1024
    decode_budget_bytes: int = 192 * 1024 * 1024
    log_image_paths: bool = False
    telemetry: bool = False
    reconcile_hours: int = 24  # within which every image is looked at once by the ledger
    max_candidates: int = 100  # of an image; thousands of equal placeholders would otherwise make millions of pairs
    policy_preset: str = "balanced"
    policy_overrides: Mapping[str, float] = field(default_factory=dict)
    keeper_steps: tuple[str, ...] = ()
    protected_prefixes: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read and check the settings; what is absent or empty has its default. Raises `InvalidSetting`.

        `ImageStorage` alone may be absent here, so that the app can be looked at without an account.
        """
        read = _Reader(environment)
        settings = cls(
            image_storage=read.storage(),
            image_container=read.container("IMAGE_CONTAINER", cls.image_container),
            index_container=read.container("INDEX_CONTAINER", cls.index_container),
            verify_queue=read.queue("VERIFY_QUEUE", cls.verify_queue),
            ingest_queue=read.queue("INGEST_QUEUE", cls.ingest_queue),
            events_queue=read.queue("EVENTS_QUEUE", cls.events_queue),
            stats_schedule=read.schedule("STATS_SCHEDULE", cls.stats_schedule),
            blob_trigger_source=read.choice("BLOB_TRIGGER_SOURCE", BLOB_TRIGGER_SOURCES, cls.blob_trigger_source),
            max_image_bytes=read.whole("MAX_IMAGE_BYTES", cls.max_image_bytes, most=_GIBIBYTE),
            max_image_pixels=read.whole("MAX_IMAGE_PIXELS", cls.max_image_pixels, most=_GIBIBYTE),
            image_formats=read.formats("IMAGE_FORMATS", cls.image_formats),
            decoder_isolation=read.choice("DECODER_ISOLATION", ISOLATIONS, cls.decoder_isolation),
            download_budget_bytes=read.whole("DOWNLOAD_BUDGET_BYTES", cls.download_budget_bytes, most=64 * _GIBIBYTE),
            decode_budget_bytes=read.whole("DECODE_BUDGET_BYTES", cls.decode_budget_bytes, most=64 * _GIBIBYTE),
            log_image_paths=read.switch("LOG_IMAGE_PATHS", cls.log_image_paths),
            telemetry=read.text(TELEMETRY, "").lower() in TRUE_FOR_THE_WORKER,
            reconcile_hours=read.whole("RECONCILE_HOURS", cls.reconcile_hours, most=24 * 31),
            max_candidates=read.whole("MAX_CANDIDATES", cls.max_candidates, most=10_000),
            policy_preset=read.text("POLICY", cls.policy_preset),
            policy_overrides=read.policy_overrides(),
            keeper_steps=read.words("KEEPER_STEPS"),
            protected_prefixes=read.words("PROTECTED_PREFIXES"),
        )
        settings.check_keeper_steps()
        read.refuse_equal("IMAGE_CONTAINER", "INDEX_CONTAINER", settings.image_container, settings.index_container)
        read.refuse_equal("VERIFY_QUEUE", "INGEST_QUEUE", settings.verify_queue, settings.ingest_queue)
        read.refuse_equal("EVENTS_QUEUE", "VERIFY_QUEUE", settings.events_queue, settings.verify_queue)
        read.refuse_equal("EVENTS_QUEUE", "INGEST_QUEUE", settings.events_queue, settings.ingest_queue)
        if settings.policy_overrides or settings.policy_preset != cls.policy_preset:
            settings.policy  # noqa: B018 - checked at start, but only where set: it needs numpy
        return settings

    def require_image_storage(self) -> StorageConnection:
        if self.image_storage is None:
            raise InvalidSetting(
                f"{STORAGE} is missing: set it to the connection string of the storage account (for Azurite "
                f"UseDevelopmentStorage=true), or set {STORAGE}__blobServiceUri, {STORAGE}__queueServiceUri and "
                f"{STORAGE}__tableServiceUri to use an identity"
            )
        return self.image_storage

    @property
    def containers(self) -> frozenset[str]:
        """The containers whose images may be named in messages."""
        return frozenset({self.image_container})

    @property
    def account(self) -> str:
        """The name of the storage account; empty where a custom domain stands for it, or where it is not set."""
        return self.image_storage.account if self.image_storage else ""

    @property
    def limits(self) -> DecodeLimits:
        return DecodeLimits(
            max_bytes=self.max_image_bytes, max_pixels=self.max_image_pixels, formats=self.image_formats
        )

    @property
    def keeper_policy(self) -> "KeeperPolicy":
        """How the copy to keep is chosen."""
        from dedup_core.groups.keeper import DEFAULT_STEPS, KeeperPolicy, KeeperStep  # noqa: PLC0415 - needs numpy

        self.check_keeper_steps()
        steps = tuple(KeeperStep(step) for step in self.keeper_steps) or DEFAULT_STEPS
        return KeeperPolicy(steps, self.protected_prefixes)

    def check_keeper_steps(self) -> None:
        """Raise `InvalidSetting` for a step that there is not, or that comes twice."""
        wrong = [step for step in self.keeper_steps if step not in KEEPER_STEPS]
        if wrong or len(set(self.keeper_steps)) < len(self.keeper_steps):
            raise InvalidSetting(
                f"KEEPER_STEPS is {','.join(self.keeper_steps)!r}; list each once, in the order in which they decide, "
                f"of {', '.join(KEEPER_STEPS)}"
            )

    @property
    def policy(self) -> Policy:
        """The preset with the single thresholds that were set (`POLICY_<THRESHOLD>`)."""
        preset = PRESETS.get(self.policy_preset)
        if preset is None:
            raise InvalidSetting(f"POLICY is {self.policy_preset!r}; set it to one of {', '.join(PRESETS)}")
        known = {it.name for it in fields(preset)}
        for name in self.policy_overrides:
            if name not in known:
                thresholds = ", ".join(sorted(POLICY_PREFIX + it.upper() for it in known))
                raise InvalidSetting(f"{POLICY_PREFIX}{name.upper()} is no threshold; there are {thresholds}")
        whole = {name for name in self.policy_overrides if isinstance(getattr(preset, name), int)}
        values = {name: int(it) if name in whole else it for name, it in self.policy_overrides.items()}
        try:
            return replace(preset, **values)
        except ValueError as error:
            names = ", ".join(POLICY_PREFIX + name.upper() for name in self.policy_overrides)
            raise InvalidSetting(f"{names}: {error}") from error


class _Reader:
    """Reads one setting after the other; an empty value counts as absent."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def text(self, name: str, default: str) -> str:
        return self._environment.get(name, "").strip() or default

    def choice(self, name: str, choices: Collection[str], default: str) -> str:
        value = self.text(name, default)
        for known in choices:
            if value.lower() == known.lower():
                return known
        raise InvalidSetting(f"{name} is {value!r}; set it to {' or '.join(choices)}")

    def switch(self, name: str, default: bool) -> bool:
        return self.choice(name, ("true", "false"), str(default).lower()) == "true"

    def words(self, name: str) -> tuple[str, ...]:
        return tuple(word for part in self.text(name, "").split(",") if (word := part.strip()))

    def container(self, name: str, default: str) -> str:
        value = self.text(name, default)
        try:
            ImagePath(value, "name")
        except InvalidPath as error:
            raise InvalidSetting(f"{name}: {error}") from error
        return value

    def queue(self, name: str, default: str) -> str:
        value = self.text(name, default)
        if not _QUEUE.fullmatch(value):
            raise InvalidSetting(
                f"{name} is {value!r}; it takes 3 to 56 lower-case letters, digits and single hyphens (63 with -poison)"
            )
        return value

    def schedule(self, name: str, default: str) -> str:
        value = self.text(name, default)
        problem = schedule_problem(value)
        if problem:
            raise InvalidSetting(f"{name} is {value!r}: {problem}; write one such as {default!r}")
        return value

    def whole(self, name: str, default: int, *, most: int) -> int:
        value = self.text(name, str(default))
        if not value.isascii() or not value.isdigit() or len(value) > len(str(most)) or not 1 <= int(value) <= most:
            raise InvalidSetting(f"{name} is {value!r}; set it to a whole number from 1 to {most}")
        return int(value)

    def formats(self, name: str, default: frozenset[str]) -> frozenset[str]:
        value = self.text(name, ",".join(default))
        named = frozenset(part.strip().upper() for part in value.split(",") if part.strip())
        known = COMMON_FORMATS | RARE_FORMATS
        if not named or not named <= known:
            listed = ", ".join(sorted(it.lower() for it in known))
            raise InvalidSetting(f"{name} is {value!r}; name some of {listed}, with commas between them")
        return named

    def policy_overrides(self) -> dict[str, float]:
        names = [name for name in self._environment if name.startswith(POLICY_PREFIX)]
        return {name.removeprefix(POLICY_PREFIX).lower(): self._number(name) for name in names if self.text(name, "")}

    def _number(self, name: str) -> float:
        value = self.text(name, "")
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise InvalidSetting(f"{name} is {value!r}; set it to a number, or leave it out for that of POLICY")
        return number

    def storage(self) -> StorageConnection | None:
        connection_string = self.text(STORAGE, "")
        uris = {name: self._service_uri(f"{STORAGE}__{name}ServiceUri") for name in ("blob", "queue", "table")}
        if connection_string and any(uris.values()):
            raise InvalidSetting(f"{STORAGE} and {STORAGE}__*ServiceUri are both set; keep one way to connect")
        if connection_string:
            if not _CONNECTION_STRING.search(connection_string):  # never shown: it may hold the account's key
                raise InvalidSetting(
                    f"{STORAGE} is not a connection string; copy one from the account's access keys, "
                    "or write UseDevelopmentStorage=true for Azurite"
                )
            return StorageConnection(connection_string)
        if not any(uris.values()):
            return None
        for name, uri in uris.items():
            if not uri:
                raise InvalidSetting(f"{STORAGE}__{name}ServiceUri is missing; all three services are needed")
        client_id = self.text(f"{STORAGE}__clientId", "")
        return StorageConnection("", uris["blob"], uris["queue"], uris["table"], client_id)

    def _service_uri(self, name: str) -> str:
        value = self.text(name, "")
        try:
            url = urlsplit(value)
        except ValueError as error:
            raise InvalidSetting(f"{name} is not a URL: {error}") from error
        if value and (url.scheme != "https" or not url.hostname or url.query or url.username):
            raise InvalidSetting(
                f"{name} must be the https address of the service and nothing more, such as "
                f"https://account.{name.removeprefix(STORAGE + '__').removesuffix('ServiceUri')}.core.windows.net"
            )
        return value

    def refuse_equal(self, first: str, second: str, first_value: str, second_value: str) -> None:
        if first_value == second_value:
            raise InvalidSetting(f"{first} and {second} are both {first_value!r}; give them different names")
