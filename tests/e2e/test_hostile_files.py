"""Files that crash, hang and lie to their decoders, among good ones, through the whole app."""

import hashlib
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from dedup_app.ports.image_status import INDEXED, ImageStatus
from dedup_cli.main import app as dedup
from dedup_core.comparison.verdict import VerdictKind
from tests.azurite import Account
from tests.conftest import NewIndex
from tests.core.drawings import drawn
from tests.core.pictures import encoded
from tests.decoders.hostile import PLUGIN, harmless, told_to
from tests.e2e.app import App, app_on

GOOD = 20
COPIES = (VerdictKind.IDENTICAL, VerdictKind.DUPLICATE)
HOSTILE = {f"hostile/{number}-{command}.heic": told_to(command, bytes([number])) for number, command in enumerate(
    ["segfault", "abort", "exit", "segfault", "memory", "segfault", "abort", "segfault", "exit", "answer"]
)}  # fmt: skip


@pytest.fixture
def app(account: Account, new_index: NewIndex) -> Iterator[App]:
    with app_on(account, PYTHONPATH=str(PLUGIN), **new_index()) as running:
        yield running


def test_ten_crashing_files_among_twenty_good_ones_lose_and_poison_nothing(app: App) -> None:
    """The good ones are ten pictures with a copy of each, so that comparisons decode, too."""
    formats = ("PNG", "JPEG")
    good = {f"good/{number}": encoded(drawn(number // 2, 120, 90), formats[number % 2]) for number in range(GOOD)}
    app.upload({**good, **HOSTILE, "hostile/none.heic": harmless()})
    with app.host():
        app.wait_until_idle(GOOD + len(HOSTILE) + 1)
    rows = app.rows()
    assert {name for name, row in rows.items() if row.status == INDEXED} == {*good, "hostile/none.heic"}
    for name, data in HOSTILE.items():
        reason = "too-much-memory" if "memory" in name else "decoder-crashed"
        assert rows[name].status == ImageStatus.rejected(reason), name
        assert reason == "too-much-memory" or hashlib.sha256(data).hexdigest() in rows[name].detail
        assert "libheif 99.0" in rows[name].decoder
    assert sum(length.poison for length in app.services.queues.lengths().values()) == 0
    verified = {
        names for names, pair in app.pairs().items() if pair.verdict is not None and pair.verdict.kind in COPIES
    }
    assert {frozenset({f"good/{number}", f"good/{number + 1}"}) for number in range(0, GOOD, 2)} <= verified
    told = CliRunner().invoke(dedup, ["status"], env=dict(app.environment)).output
    assert "rejected:decoder-crashed" in told
    assert "9" in told.partition("rejected:decoder-crashed")[2].splitlines()[0]
