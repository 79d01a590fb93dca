"""Notices: what the app finds and what people decide, as CloudEvents 1.0, for whoever wants to be told at once.

They go out after what they tell is stored. Where one cannot be sent, the error rises as a temporary one: the host tries
again, finds everything stored, and sends. So each goes out at least once, with an id that is the same each time.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Protocol

from dedup_app.ports.features import FeaturesRow
from dedup_app.ports.pairs import PairRow
from dedup_app.records.group_records import moment
from dedup_core.comparison.verdict import SAME_PICTURE, Verdict
from dedup_core.errors import DedupError, TemporaryError
from dedup_core.groups.facts import FAMILIES, Decided
from dedup_core.paths import ImagePath

PAIR_VERIFIED = "NearDuplicateImages.PairVerified"
PAIR_DECIDED = "NearDuplicateImages.PairDecided"
IMAGE_REJECTED = "NearDuplicateImages.ImageRejected"
# A queue takes 64 KiB a message, in which names and reasons may be in any script.
MOST_REASON_CHARACTERS = 2_000

type CloudEvent = dict[str, Any]


class EventSender(Protocol):
    """Where CloudEvents go."""

    def send(self, events: Sequence[CloudEvent]) -> None:
        """Send all of them; some may be out when it raises."""
        ...


class Notices:
    """Tells every sender. Without one, nothing is made and nothing is sent."""

    def __init__(self, senders: Sequence[EventSender], account: str, container: str) -> None:
        self._senders = tuple(senders)
        self._source = f"/near-duplicate-images/{account or 'account'}/{container}"

    def pairs(self, pairs: Sequence[PairRow]) -> None:
        """Tell verdicts that link pictures, and decisions. Raises `TemporaryError`."""
        if self._senders:
            self._send(list(self._of_pairs(pairs)))

    def rejected(self, row: FeaturesRow) -> None:
        """Tell that a file cannot be read. Raises `TemporaryError`."""
        if self._senders:
            self._send([self._rejected(row)])

    def _send(self, events: list[CloudEvent]) -> None:
        if not events:
            return
        try:
            for sender in self._senders:
                sender.send(events)
        except DedupError as error:
            # Whatever is wrong with the receiver, what was found is stored and is told once it is mended.
            raise TemporaryError(f"What is stored could not be told: {error}", reason="not-told") from error

    def _of_pairs(self, pairs: Sequence[PairRow]) -> Iterator[CloudEvent]:
        for pair in pairs:
            if pair.decided is not None:
                yield self._decided(pair, pair.decided)
            elif pair.verdict is not None and pair.verdict.kind in FAMILIES:
                yield self._verified(pair, pair.verdict)

    def _verified(self, pair: PairRow, verdict: Verdict) -> CloudEvent:
        metrics = verdict.metrics
        sides = sorted(
            (path.image_id, version, etag if version == 0 else "")
            for path, version, etag in (
                (pair.left, pair.left_version, pair.left_etag),
                (pair.right, pair.right_version, pair.right_etag),
            )
        )
        data = {
            "left": _image(pair.left, pair.left_etag),
            "right": _image(pair.right, pair.right_etag),
            "verdict": verdict.kind.value,
            "same_picture": verdict.kind in SAME_PICTURE,
            "reasons": _fitting(verdict.reasons),
            "metrics": metrics.as_dict() if metrics else None,
            "distance_bits": verdict.distance_bits,
            "view": str(verdict.view),
        }
        return self._event(PAIR_VERIFIED, [sides, verdict.kind.value], str(pair.left), pair.verified_at, data)

    def _decided(self, pair: PairRow, decided: Decided) -> CloudEvent:
        names = {bytes.fromhex(path.image_id): str(path) for path in pair.paths}
        data = {
            "left": _image(pair.left, pair.left_etag),
            "right": _image(pair.right, pair.right_etag),
            "decision": decided.decision.value if decided.decision else None,
            "keeper": names.get(decided.keeper),
            "by": decided.by,
        }
        what = [decided.first.hex(), decided.second.hex(), decided.at]
        return self._event(PAIR_DECIDED, what, str(pair.left), moment(decided.at), data)

    def _rejected(self, row: FeaturesRow) -> CloudEvent:
        data = {
            "image": _image(row.path, row.etag),
            "reason": row.status.reason,
            "detail": row.detail[:MOST_REASON_CHARACTERS],
        }
        what = [row.path.image_id, row.version, row.etag, row.status.reason]
        return self._event(IMAGE_REJECTED, what, str(row.path), row.updated_at, data)

    def _event(self, kind: str, what: object, subject: str, at: datetime | None, data: dict[str, Any]) -> CloudEvent:
        """`what` is what makes it another event; the same always has the same id."""
        identity = json.dumps([self._source, kind, what]).encode()
        time = {} if at is None else {"time": at.isoformat()}
        return {
            "specversion": "1.0",
            "id": hashlib.sha256(identity).hexdigest()[:32],
            "source": self._source,
            "type": kind,
            "subject": subject,
            **time,
            "datacontenttype": "application/json",
            "data": data,
        }


def _image(path: ImagePath, etag: str) -> dict[str, str]:
    return {"path": str(path), "id": path.image_id, "etag": etag}


def _fitting(reasons: Sequence[str]) -> list[str]:
    kept, left = [], MOST_REASON_CHARACTERS
    for reason in reasons:
        kept.append(reason[:left])
        left -= len(reason)
        if left <= 0:
            break
    return kept
