"""`dedup status` tells what was done, what waits and what went wrong."""

import base64
import json

import pytest

from dedup_app.ports.findings import FindingKind, SliceReport
from dedup_app.ports.image_status import ImageStatus
from dedup_app.ports.reports import DecodersReport, RejectedMessage, StatsReport
from dedup_app.services import Services
from dedup_core.loading.stats import LoaderStats
from dedup_core.messages import VerifyMessage, VerifyTarget
from dedup_core.paths import ImagePath
from tests.cli.conftest import NOW, Known, Run

REPORT = StatsReport("2026-11-22", 2, LoaderStats(images_downloaded=30, comparisons_performed=20), NOW)
REFUSED = RejectedMessage("verify-pairs", "1", '{"left": 7}', "'left' must be text", NOW)


def words(text: str) -> str:
    return " ".join(text.split())


def test_images_are_counted_by_status(dedup: Run, known: Known):
    known.image("a.jpg")
    known.image("b.jpg")
    known.image("c.jpg", ImageStatus.rejected("corrupt"), "cut off")
    told = words(dedup("status").output)
    assert "indexed 2" in told
    assert "rejected:corrupt 1" in told


def test_queues_stand_with_their_waiting_and_poison_messages(dedup: Run, services: Services):
    a, b = ImagePath("images", "a.jpg"), ImagePath("images", "b.jpg")
    services.verify_queue.send(VerifyMessage(a, (VerifyTarget(b),)))
    services.queues.poisoned.append(RejectedMessage("verify-pairs", "9", "broken text", "failed 5 times", NOW))
    output = dedup("status").output
    assert "verify-pairs 1 1" in words(output)
    assert "ingest-images 0 0" in words(output)
    assert "broken text" in output


def test_rejected_messages_stand_with_their_reason(dedup: Run, services: Services):
    services.reports.put_rejected_message(REFUSED)
    assert "{\"left\": 7} 'left' must be text" in words(dedup("status").output)


def test_large_numbers_are_told_with_their_thousands(dedup: Run, services: Services):
    totals = LoaderStats(images_downloaded=12_345, bytes_downloaded=5_678_900_000, comparisons_performed=9_876)
    services.reports.put_stats_report(StatsReport("2026-11-22", 2, totals, NOW))
    message = VerifyMessage(ImagePath("images", "a.jpg"), (VerifyTarget(ImagePath("images", "b.jpg")),))
    for _ in range(1_200):
        services.verify_queue.send(message)
    told = words(dedup("status").output)
    assert "verify-pairs 1,200 0" in told
    assert "comparisons 9,876 done, 0 failed" in told
    assert "images read 12,345 (5,678.9 MB)" in told
    assert "(46,911 reads saved)" in told


def test_the_latest_statistics_tell_reads_a_comparison(dedup: Run, services: Services):
    services.reports.put_stats_report(REPORT)
    told = words(dedup("status").output)
    assert "reads a comparison 1.50 instead of 6, which each metric on its own would take (90 reads saved)" in told
    assert "reported at (UTC) 2026-11-22 12:00:00, for 2026-11-22 instances 2" in told


def test_one_of_a_thing_is_told_of_as_one(dedup: Run, services: Services):
    services.reports.put_stats_report(
        StatsReport("2026-11-22", 1, LoaderStats(images_downloaded=5, comparisons_performed=1), NOW)
    )
    services.reports.put_ledger(SliceReport("00", 1, 0, 0, {FindingKind.UNFINISHED: 1}, 1, NOW))
    told = words(dedup("status").output)
    for one in ("(1 read saved)", "0 of 1 image complete", "images whose handling never ended: 1", ": 1 byte: `"):
        assert one in told


def test_images_that_came_after_the_last_look_are_not_taken_for_complete(dedup: Run, services: Services, known: Known):
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        known.image(name)
    services.reports.put_ledger(SliceReport("00", 1, 1, 0, {}, 0, NOW))
    assert "1 of 3 images looked at, 1 of these complete; the others follow" in words(dedup("status").output)
    services.reports.put_ledger(SliceReport("00", 3, 3, 0, {}, 0, NOW))
    assert "3 of 3 images complete" in words(dedup("status").output)


def test_before_the_first_comparison_there_is_no_success_to_speak_of(dedup: Run, services: Services):
    services.reports.put_stats_report(StatsReport("2026-11-22", 1, LoaderStats(), NOW))
    assert "success rate none yet" in words(dedup("status").output)


def test_a_fresh_account_says_what_is_missing_instead_of_failing(dedup: Run):
    result = dedup("status")
    assert result.exit_code == 0
    assert "none yet" in result.output
    assert "no report yet" in result.output


def test_programs_read_all_of_it(dedup: Run, services: Services, known: Known):
    known.image("a.jpg")
    services.reports.put_stats_report(REPORT)
    services.reports.put_rejected_message(REFUSED)
    told = json.loads(dedup("status", "--json").output)
    assert told["images"] == {"indexed": 1}
    assert told["queues"]["verify-pairs"] == {"waiting": 0, "poison": 0}
    assert told["rejected_messages"][0]["reason"] == "'left' must be text"
    assert told["statistics"]["reads_a_comparison"] == 1.5
    assert told["statistics"]["success_rate"] == 1.0


def test_messages_from_outside_cannot_move_the_cursor(dedup: Run, services: Services):
    services.reports.put_rejected_message(RejectedMessage("verify-pairs", "1", "\x1b[2J[bold]", "bad", NOW))
    output = dedup("status").output
    assert "\\x1b[2J[bold]" in output
    assert "\x1b" not in output


def test_a_poison_message_is_shown_decoded_and_without_its_signature(dedup: Run, services: Services):
    body = base64.b64encode(b'{"left": "https://x/images/a.jpg?sv=1&sig=topsecret"}').decode()
    services.queues.poisoned.append(RejectedMessage("verify-pairs", "9", body, "gave up", NOW))
    for output in (dedup("status").output, dedup("status", "--json").output):
        assert "https://x/images/a.jpg" in output
        assert "topsecret" not in output


@pytest.mark.parametrize(
    ("isolation", "told"),
    [
        ("confined", "decoders confined: separate processes that can only compute"),
        ("separate", "decoders separate, not confined: no filters here"),
        ("off", "decoders off: files are decoded in the process of the app"),
    ],
)
def test_how_files_are_decoded_is_told(dedup: Run, services: Services, isolation: str, told: str):
    assert "Decoders" not in dedup("status").output
    refused = {"HEIC": "libheif 1.23.0 < 1.23.5"}
    services.reports.put_decoders_report(DecodersReport("host-1", isolation, "no filters here", {}, refused, NOW))
    assert told in words(dedup("status").output)
    assert "HEIC files: known holes in libheif 1.23.0 < 1.23.5" in words(dedup("status").output)
    assert json.loads(dedup("status", "--json").output)["decoders"]["isolation"] == isolation
