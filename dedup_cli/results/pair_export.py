"""Pairs for programs: records, flat rows, and a Parquet file where pyarrow is installed."""

import json
from collections.abc import Iterable
from itertools import batched
from pathlib import Path
from typing import Any

from dedup_app.configuration.extras import how_to_install
from dedup_app.ports.pairs import PairRow
from dedup_app.queries.pair_list import PairKind
from dedup_cli.presentation.failures import InputError
from dedup_cli.presentation.output import Cell
from dedup_cli.presentation.written_file import written_whole

COLUMNS = (
    "left",
    "right",
    "verdict",
    "dominant_distance",
    "pixel_difference",
    "histogram_correlation",
    "distance_bits",
    "view",
    "reasons",
    "regions",
    "decision",
    "verified_at",
)
ROWS_A_GROUP = 10_000  # of a Parquet file: some megabytes in memory


def pair_record(pair: PairRow) -> dict[str, object]:
    """What programs get of a pair; the keys are those of `COLUMNS`."""
    verdict = pair.verdict
    metrics = verdict.metrics if verdict else None
    return {
        "left": str(pair.left),
        "right": str(pair.right),
        "verdict": PairKind.of(pair).value,
        "dominant_distance": metrics.dominant_distance if metrics else None,
        "pixel_difference": metrics.pixel_difference if metrics else None,
        "histogram_correlation": metrics.histogram_correlation if metrics else None,
        "distance_bits": pair.distance_bits,
        "view": pair.view,
        "reasons": list(verdict.reasons) if verdict else [],
        "regions": [region.as_dict() for region in verdict.regions] if verdict else [],
        "decision": pair.decision,
        "verified_at": pair.verified_at.isoformat() if pair.verified_at else None,
    }


def flat_record(pair: PairRow) -> dict[str, Cell]:
    """The same for CSV: the reasons in one cell, the regions as JSON."""
    return {key: _cell(key, value) for key, value in pair_record(pair).items()}


def write_parquet(file: Path, pairs: Iterable[PairRow]) -> int:
    """Write the pairs, some thousand at a time; how many there were. A file that fails leaves what was there."""
    try:
        import pyarrow as pa  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra of its own
        import pyarrow.parquet as pq  # type: ignore[import-untyped]  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise InputError(f"Parquet files are written with {error.name}: {how_to_install('parquet')}") from error
    schema = _schema(pa)
    total = 0
    try:
        with written_whole(file) as place, pq.ParquetWriter(place, schema) as writer:
            for group in batched(pairs, ROWS_A_GROUP, strict=False):
                writer.write_table(pa.Table.from_pylist([_typed(pair) for pair in group], schema))
                total += len(group)
    except OSError as error:
        raise InputError(
            f"cannot write {file}: {error.strerror or error}; give the path of a new Parquet file"
        ) from error
    return total


def _schema(pa: Any) -> Any:
    numbers = ("dominant_distance", "pixel_difference", "histogram_correlation")
    kinds = {name: pa.string() for name in COLUMNS} | dict.fromkeys(numbers, pa.float64())
    kinds |= {"distance_bits": pa.int32(), "reasons": pa.list_(pa.string()), "verified_at": pa.timestamp("us", "UTC")}
    return pa.schema([(name, kinds[name]) for name in COLUMNS])


def _typed(pair: PairRow) -> dict[str, object]:
    record = pair_record(pair)
    return record | {"regions": json.dumps(record["regions"]), "verified_at": pair.verified_at}


def _cell(key: str, value: object) -> Cell:
    if isinstance(value, list):
        return json.dumps(value) if key == "regions" else "; ".join(value)
    return value if isinstance(value, str | int | float) else None
