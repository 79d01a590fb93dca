"""The settings of the app: read once from the environment, every value checked, every error naming its setting."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from itertools import combinations
from typing import TYPE_CHECKING, Self

from dedup_app.configuration.index_address import INDEX_URL, IndexAddress
from dedup_app.configuration.setting_reader import POLICY_PREFIX, SettingReader
from dedup_app.configuration.storage_connection import STORAGE, StorageConnection
from dedup_core.errors import InvalidSetting
from dedup_core.limits import COMMON_FORMATS, DecodeLimits
from dedup_core.policy import PRESETS, Policy

if TYPE_CHECKING:
    from dedup_core.groups.keeper import KeeperPolicy

BLOB_TRIGGER_SOURCES = ("LogsAndContainerScan", "EventGrid")
ISOLATIONS = ("confined", "separate", "off")
# As in dedup_core/groups/keeper.py, which a start need not load.
KEEPER_STEPS = (
    *("prefix", "person", "clear", "scene", "upright", "detail"),
    *("color", "camera", "quality", "first_save", "earlier", "larger"),
)
# The worker's own setting, read as the worker reads it: it configures the exporter before the app is loaded.
TELEMETRY = "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY"
TRUE_FOR_THE_WORKER = frozenset({"1", "true", "t", "yes", "y"})

_GIBIBYTE = 1024**3
_CENTURY_DAYS = 36_500  # for ever


@dataclass(frozen=True)
class Settings:
    """Everything that can be set, with its default. `policy` and `limits` turn the numbers into what the core takes."""

    image_storage: StorageConnection | None = None
    site_name: str = ""  # of the app in Azure, which sets it
    sign_in: bool = False  # whether Azure has people sign in before a request comes here
    namespace: str = ""  # begins the names of tables, and those of index container and queues, which are whole below
    image_container: str = "images"
    index_container: str = "dedup-index"
    index_address: IndexAddress | None = None  # of the candidate index in PostgreSQL, instead of in each instance
    verify_queue: str = "verify-pairs"
    ingest_queue: str = "ingest-images"
    events_queue: str = "blob-events"
    uploads_queue: str = ""  # of the host, where its name is known: no setting, the command sees it of `make start`
    notify_queue: str = ""
    events_topic_endpoint: str = ""
    stats_schedule: str = "0 */5 * * * *"
    blob_trigger_source: str = "LogsAndContainerScan"
    max_image_bytes: int = 64 * 1024 * 1024
    max_image_pixels: int = 100_000_000
    image_formats: frozenset[str] = COMMON_FORMATS
    decoder_isolation: str = "separate"
    # Sixteen threads with large images stay under 512 MB with these: benchmarks/memory.py
    download_budget_bytes: int = 256 * 1024 * 1024
    decode_budget_bytes: int = 192 * 1024 * 1024
    original_links: bool = False  # else originals are sent by the app itself
    tag_images: bool = False  # blobs of the image container, by what is known of them
    log_image_paths: bool = False
    telemetry: bool = False
    reconcile_hours: int = 24  # within which every image is looked at once by the ledger
    keep_reports_days: int = 30
    keep_statistics_days: int = 90  # of each process; the sums of a day stay
    keep_deleted_days: int = 30  # rows and pairs of images that are deleted
    alert_precision_percent: int = 95  # of pairs called copies that people looked at, below which it is told in red
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
        read = SettingReader(environment)
        settings = cls(
            image_storage=read.storage(),
            site_name=read.text("WEBSITE_SITE_NAME", cls.site_name).lower(),
            sign_in=read.switch("WEBSITE_AUTH_ENABLED", cls.sign_in),
            namespace=read.namespace,
            image_container=read.container("IMAGE_CONTAINER", cls.image_container),
            index_container=read.own_container("INDEX_CONTAINER", cls.index_container),
            index_address=read.index_address(INDEX_URL),
            verify_queue=read.own_queue("VERIFY_QUEUE", cls.verify_queue),
            ingest_queue=read.own_queue("INGEST_QUEUE", cls.ingest_queue),
            events_queue=read.own_queue("EVENTS_QUEUE", cls.events_queue),
            notify_queue=read.optional_queue("NOTIFY_QUEUE"),
            events_topic_endpoint=read.https(
                "EVENTS_TOPIC_ENDPOINT", "topic", "https://topic.westeurope-1.eventgrid.azure.net/api/events"
            ),
            stats_schedule=read.schedule("STATS_SCHEDULE", cls.stats_schedule),
            blob_trigger_source=read.choice("BLOB_TRIGGER_SOURCE", BLOB_TRIGGER_SOURCES, cls.blob_trigger_source),
            max_image_bytes=read.whole("MAX_IMAGE_BYTES", cls.max_image_bytes, most=_GIBIBYTE),
            max_image_pixels=read.whole("MAX_IMAGE_PIXELS", cls.max_image_pixels, most=_GIBIBYTE),
            image_formats=read.formats("IMAGE_FORMATS", cls.image_formats),
            decoder_isolation=read.choice("DECODER_ISOLATION", ISOLATIONS, cls.decoder_isolation),
            download_budget_bytes=read.whole("DOWNLOAD_BUDGET_BYTES", cls.download_budget_bytes, most=64 * _GIBIBYTE),
            decode_budget_bytes=read.whole("DECODE_BUDGET_BYTES", cls.decode_budget_bytes, most=64 * _GIBIBYTE),
            original_links=read.switch("ORIGINAL_LINKS", cls.original_links),
            tag_images=read.switch("TAG_IMAGES", cls.tag_images),
            log_image_paths=read.switch("LOG_IMAGE_PATHS", cls.log_image_paths),
            telemetry=read.text(TELEMETRY, "").lower() in TRUE_FOR_THE_WORKER,
            reconcile_hours=read.whole("RECONCILE_HOURS", cls.reconcile_hours, most=24 * 31),
            keep_reports_days=read.whole("KEEP_REPORTS_DAYS", cls.keep_reports_days, most=_CENTURY_DAYS),
            keep_statistics_days=read.whole(
                "KEEP_STATISTICS_DAYS", cls.keep_statistics_days, least=7, most=_CENTURY_DAYS
            ),
            keep_deleted_days=read.whole("KEEP_DELETED_DAYS", cls.keep_deleted_days, most=_CENTURY_DAYS),
            alert_precision_percent=read.whole(
                "ALERT_PRECISION_PERCENT", cls.alert_precision_percent, least=0, most=100
            ),
            max_candidates=read.whole("MAX_CANDIDATES", cls.max_candidates, most=10_000),
            policy_preset=read.text("POLICY", cls.policy_preset),
            policy_overrides=read.policy_overrides(),
            keeper_steps=read.words("KEEPER_STEPS"),
            protected_prefixes=read.words("PROTECTED_PREFIXES"),
        )
        settings._check_together()
        return settings

    def _check_together(self) -> None:
        """Raise `InvalidSetting` for what is good by itself, but not beside the other settings."""
        self.check_keeper_steps()
        _refuse_equal({"IMAGE_CONTAINER": self.image_container, "INDEX_CONTAINER": self.index_container})
        _refuse_equal({"IMAGE_CONTAINER": self.image_container, "the quarantine": self.quarantine_container})
        _refuse_equal(
            {
                "NOTIFY_QUEUE": self.notify_queue,
                "EVENTS_QUEUE": self.events_queue,
                "VERIFY_QUEUE": self.verify_queue,
                "INGEST_QUEUE": self.ingest_queue,
            }
        )
        if self.policy_overrides or self.policy_preset != Settings.policy_preset:
            self.policy  # noqa: B018 - raises for a wrong one; only where something is set, to start faster elsewhere

    def require_image_storage(self) -> StorageConnection:
        if self.image_storage is None:
            raise InvalidSetting(
                f"{STORAGE} is missing: set it to the connection string of the storage account (for Azurite "
                f"UseDevelopmentStorage=true), or set {STORAGE}__blobServiceUri, {STORAGE}__queueServiceUri and "
                f"{STORAGE}__tableServiceUri to use an identity"
            )
        return self.image_storage

    def table(self, name: str) -> str:
        """The name of one of the app's tables in the account."""
        return self.namespace + name

    @property
    def quarantine_container(self) -> str:
        """Where `dedup apply` puts what it takes away; the app never looks there."""
        return self.namespace + "dedup-quarantine"

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

    @property
    def keeper_told(self) -> dict[str, str]:
        """The settings, with their defaults, by which the same copies are kept elsewhere; prefixes are told apart."""
        return {"KEEPER_STEPS": ",".join(self.keeper_steps or KEEPER_STEPS)}

    @property
    def policy_told(self) -> dict[str, str]:
        """The settings, with their defaults, by which pairs are judged alike elsewhere."""
        preset = PRESETS[self.policy_preset]
        changed = {name: it for name, it in sorted(self.policy_overrides.items()) if getattr(preset, name) != it}
        return {"POLICY": self.policy_preset} | {POLICY_PREFIX + it.upper(): f"{changed[it]:g}" for it in changed}

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


def _refuse_equal(names: Mapping[str, str]) -> None:
    for (one, its_name), (other, other_name) in combinations(names.items(), 2):
        if its_name == other_name:
            raise InvalidSetting(f"{one} and {other} are both {its_name!r}; give them different names")
