"""Verify: one image and its candidates -> an explained verdict for each pair, every image read once."""

import logging
from collections.abc import Callable
from datetime import datetime

from dedup_app.loader_totals import LoaderTotals
from dedup_app.ports import PairRow, PairsTable
from dedup_app.rejection import Rejections
from dedup_app.settings import Settings
from dedup_core.errors import InvalidMessage, PermanentError
from dedup_core.fingerprint import View
from dedup_core.loader import LoadedImage, MemoryEfficientImageLoader
from dedup_core.messages import VerifyMessage, VerifyTarget
from dedup_core.paths import ImagePath
from dedup_core.verdict import Verdict, decide, unverifiable

logger = logging.getLogger(__name__)


class VerifyService:
    """Compares pairs and stores what it finds. A message may come twice: the verdicts are the same again."""

    def __init__(
        self,
        *,
        loader: MemoryEfficientImageLoader,
        pairs: PairsTable,
        totals: LoaderTotals,
        rejections: Rejections,
        settings: Settings,
        now: Callable[[], datetime],
    ) -> None:
        self._loader = loader
        self._pairs = pairs
        self._totals = totals
        self._rejections = rejections
        self._settings = settings
        self._policy = settings.policy
        self._now = now

    def handle_message(self, body: str | bytes, message_id: str) -> None:
        """Verify the pairs that a queue message names. A message that says nothing is recorded as refused."""
        try:
            message = VerifyMessage.parse(body, containers=self._settings.containers)
        except InvalidMessage as error:
            self._rejections.record(self._settings.verify_queue, message_id, body, error)
            return
        try:
            self.verify(message)
        finally:
            self._totals.flush()

    def verify(self, message: VerifyMessage) -> list[Verdict]:
        """The verdicts of all pairs, in order, already stored.

        An image that cannot be read makes its pairs `unverifiable`. Raises `TemporaryError` when a later try may help.
        """
        try:
            left = self._loader.load(message.left)
        except PermanentError as error:
            self._loader.count_failed_comparisons(len(message.rights))
            verdicts = [_unverifiable(message.left, error, target) for target in message.rights]
            for target, verdict in zip(message.rights, verdicts, strict=True):
                self._store(message.left, "", target.path, "", verdict)
            return verdicts
        return [self._verify_pair(left, target) for target in message.rights]

    def _verify_pair(self, left: LoadedImage, target: VerifyTarget) -> Verdict:
        try:
            right = self._loader.load(target.path)
        except PermanentError as error:
            self._loader.count_failed_comparisons(1)
            verdict = _unverifiable(target.path, error, target)
            self._store(left.path, left.etag, target.path, "", verdict)
            return verdict
        measurement = self._loader.measure(left, right, target.view)
        verdict = decide(measurement, self._policy, same_bytes=left.sha256 == right.sha256)
        self._store(left.path, left.etag, right.path, right.etag, verdict)
        return verdict

    def _store(self, left: ImagePath, left_etag: str, right: ImagePath, right_etag: str, verdict: Verdict) -> None:
        logger.info("%s and %s: %s (%s)", left, right, verdict.kind, "; ".join(verdict.reasons))
        self._pairs.put_verdict(
            PairRow(
                left=left,
                right=right,
                left_etag=left_etag,
                right_etag=right_etag,
                verdict=verdict,
                distance_bits=verdict.distance_bits,
                view=verdict.view,
                verified_at=self._now(),
            )
        )


def _unverifiable(path: ImagePath, error: PermanentError, target: VerifyTarget) -> Verdict:
    sentence = f"{path} cannot be compared ({error.reason}): {error}"
    return unverifiable(sentence, distance_bits=target.distance_bits, view=str(target.view or View.UPRIGHT))
