"""Rows of the ports <-> table entities: columns, keys and the size limits of Table Storage."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from azure.data.tables import EdmType, EntityProperty

from dedup_app.ports.features import FeaturesRow, ImageSummary
from dedup_app.ports.image_status import ImageStatus
from dedup_app.ports.pairs import PairRow
from dedup_app.records.group_records import id_of
from dedup_core.color.color_metrics import ColorMetrics
from dedup_core.comparison.measurement import PairMeasurement
from dedup_core.comparison.regions import Region
from dedup_core.comparison.sides import ALIKE, Sides
from dedup_core.comparison.verdict import Verdict, VerdictKind
from dedup_core.features import ImageFeatures, provenance_from
from dedup_core.fingerprinting.record import OLDER_SCHEME, SCHEME
from dedup_core.paths import ImagePath
from dedup_storage.tables.decision_columns import HALF_DECIDED, decided_of

type Entity = dict[str, Any]

INT32_LIMIT = 2**31
# A property takes 64 KiB and text is stored in UTF-16. A quarter of that leaves room in the entity's 1 MiB.
TEXT_LENGTH = 8_000
REASONS_LENGTH = 16_000  # half of the 32 Ki characters that a property takes
FEATURES_OWN_COLUMNS = frozenset(
    {"PartitionKey", "RowKey", "path", "etag", "status", "detail", "updated_at", "version", "added_at", "decoder"}
)
SUMMARY_COLUMNS = (
    *("path", "etag", "status", "scheme", "width", "height", "byte_size", "version", "sha256", "format", "added_at"),
    "decoder",
    *("save_quality", "saved_again", "detail_side", "has_camera_data", "is_gray"),
)
METRIC_COLUMNS = ("dominant_distance", "pixel_difference", "histogram_correlation")


def features_keys(image_id: str) -> tuple[str, str]:
    return image_id[:2], image_id


def features_entity(row: FeaturesRow) -> Entity:
    partition, key = features_keys(row.path.image_id)
    columns: dict[str, int | str | bytes] = {} if row.features is None else row.features.to_columns()
    times = {} if row.added_at is None else {"added_at": utc(row.added_at)}
    return {
        **{name: stored(value) for name, value in columns.items()},
        **times,
        "PartitionKey": partition,
        "RowKey": key,
        "path": str(row.path),
        "etag": row.etag,
        "status": str(row.status),
        "detail": fitting(row.detail),
        "updated_at": utc(row.updated_at),
        "version": stored(row.version),
        "decoder": row.decoder,
    }


def features_row(entity: Mapping[str, Any], tag: str = "") -> FeaturesRow:
    """The row; its features are None too when a scheme that is not known wrote them, and then `detail` says so."""
    columns = {name: loaded(value) for name, value in entity.items() if name not in FEATURES_OWN_COLUMNS}
    features, detail = None, str(entity["detail"])
    if columns.get("scheme") in (OLDER_SCHEME, SCHEME):
        features = ImageFeatures.from_columns(columns)
    elif "scheme" in columns:
        detail = f"The features are of scheme {columns['scheme']}, this app has scheme {SCHEME}: run `dedup reindex`"
    return FeaturesRow(
        path=ImagePath.parse(str(entity["path"])),
        etag=str(entity["etag"]),
        status=ImageStatus.parse(str(entity["status"])),
        features=features,
        detail=detail,
        updated_at=utc(entity["updated_at"]),
        version=_version(entity, "version"),
        decoder=str(entity.get("decoder") or ""),
        tag=tag,
        added_at=None if entity.get("added_at") is None else utc(entity["added_at"]),
    )


def image_summary(entity: Mapping[str, Any]) -> ImageSummary:
    # A selected column that a row does not have may come as None.
    scheme = entity.get("scheme")
    columns = {name: loaded(value) for name, value in entity.items()}
    added_at = entity.get("added_at")
    width, height, byte_size = (int(loaded(entity.get(name)) or 0) for name in ("width", "height", "byte_size"))
    return ImageSummary(
        path=ImagePath.parse(str(entity["path"])),
        etag=str(entity["etag"]),
        status=ImageStatus.parse(str(entity["status"])),
        scheme=None if scheme is None else int(loaded(scheme)),
        width=width,
        height=height,
        byte_size=byte_size,
        version=_version(entity, "version"),
        decoder=str(entity.get("decoder") or ""),
        sha256=str(entity.get("sha256") or ""),
        format=str(entity.get("format") or ""),
        provenance=provenance_from(columns),
        added_at=None if added_at is None else utc(added_at),
    )


def pair_entity(pair: PairRow) -> Entity:
    """The columns that are known, without what is None and without a person's decision, which is not ours to write."""
    entity: Entity = {
        "PartitionKey": pair.left.image_id,
        "RowKey": pair.right.image_id,
        "left_path": str(pair.left),
        "right_path": str(pair.right),
        "left_etag": pair.left_etag,
        "right_etag": pair.right_etag,
        "left_version": stored(pair.left_version),
        "right_version": stored(pair.right_version),
        "view": pair.view,
    }
    if pair.failure:
        entity["failure"] = fitting(pair.failure)
    if pair.distance_bits is not None:
        entity["distance_bits"] = pair.distance_bits
    if pair.verified_at is not None:
        entity["verified_at"] = utc(pair.verified_at)
    if pair.verdict is not None:
        entity["verdict"] = pair.verdict.kind.value
        entity["reasons"] = _reasons_text(pair.verdict.reasons)
        entity["sides"] = pair.verdict.sides.as_text()
        entity["regions"] = json.dumps([region.as_dict() for region in pair.verdict.regions])
        if pair.verdict.metrics is not None:
            entity.update(pair.verdict.metrics.as_dict())
        if pair.measurement is not None:
            entity["measurement"] = _measurement_text(pair.measurement)
    return entity


def pair_row(entity: Mapping[str, Any], tag: str = "") -> PairRow:
    distance, verified_at = entity.get("distance_bits"), entity.get("verified_at")
    left, right = (ImagePath.parse(str(entity[side])) for side in ("left_path", "right_path"))
    first, second = sorted((id_of(left), id_of(right)))
    decided, history = decided_of(entity, (first, second))
    return PairRow(
        left=left,
        right=right,
        left_etag=str(entity["left_etag"]),
        right_etag=str(entity["right_etag"]),
        verdict=_verdict(entity),
        distance_bits=None if distance is None else int(distance),
        view=str(entity["view"]),
        verified_at=None if verified_at is None else utc(verified_at),
        left_version=_version(entity, "left_version"),
        right_version=_version(entity, "right_version"),
        failure="" if "verdict" in entity else str(entity.get("failure") or ""),
        tag=tag,
        decided=decided,
        decision_history=history,
        is_half_decided=bool(entity.get(HALF_DECIDED)),
        measurement=_measurement(entity),
    )


def stored(value: float | str | bytes | dict[str, int]) -> Any:
    """A value as a table takes it: whole numbers past 31 bits need their type, dictionaries become JSON."""
    if isinstance(value, dict):
        return json.dumps(value, sort_keys=True)
    if isinstance(value, int) and not -INT32_LIMIT <= value < INT32_LIMIT:
        return EntityProperty(value, EdmType.INT64)
    return value


def loaded(value: Any) -> Any:
    return value.value if isinstance(value, EntityProperty) else value


def fitting(text: str) -> str:
    return text if len(text) <= TEXT_LENGTH else text[: TEXT_LENGTH - 1] + "…"


def utc(time: datetime) -> datetime:
    """The moment as a plain `datetime` in UTC; one without a time zone is taken for UTC."""
    moment = time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    return datetime.combine(moment.date(), moment.timetz())


def odata(time: datetime) -> str:
    """The moment as a condition of a query writes it."""
    return f"datetime'{utc(time):%Y-%m-%dT%H:%M:%S.%fZ}'"


def _version(entity: Mapping[str, Any], column: str) -> int:
    """0 where an earlier app wrote the row."""
    return int(loaded(entity.get(column)) or 0)


def _verdict(entity: Mapping[str, Any]) -> Verdict | None:
    if "verdict" not in entity:
        return None
    distance = entity.get("distance_bits")
    return Verdict(
        kind=VerdictKind(entity["verdict"]),
        reasons=tuple(json.loads(entity["reasons"])),
        metrics=_metrics(entity),
        distance_bits=None if distance is None else int(distance),
        view=str(entity["view"]),
        regions=tuple(Region.from_dict(stored) for stored in json.loads(entity.get("regions") or "[]")),
        sides=Sides.from_text(entity["sides"]) if entity.get("sides") else ALIKE,
    )


def _measurement_text(measurement: PairMeasurement) -> str:
    """All of it: a verdict has only those regions that it tells."""
    regions = [region.as_dict() for region in measurement.regions]
    return json.dumps(measurement.as_dict() | {"regions": regions}, separators=(",", ":"))


def _measurement(entity: Mapping[str, Any]) -> PairMeasurement | None:
    """None where the row has none, or one of another version."""
    if not entity.get("measurement") or "verdict" not in entity:
        return None
    stored = json.loads(entity["measurement"])
    regions = tuple(Region.from_dict(it) for it in stored.pop("regions"))
    sides = Sides.from_text(entity["sides"]) if entity.get("sides") else ALIKE
    return PairMeasurement.from_dict(stored, regions, sides)


def _metrics(entity: Mapping[str, Any]) -> ColorMetrics | None:
    if not all(name in entity for name in METRIC_COLUMNS):
        return None
    return ColorMetrics(**{name: float(entity[name]) for name in METRIC_COLUMNS})


def _reasons_text(reasons: tuple[str, ...]) -> str:
    """As many sentences as fit, the first ones first."""
    kept: list[str] = []
    length = 0
    for reason in map(fitting, reasons):
        length += len(json.dumps(reason, ensure_ascii=False)) + 2
        if length > REASONS_LENGTH:
            break
        kept.append(reason)
    return json.dumps(kept, ensure_ascii=False)
