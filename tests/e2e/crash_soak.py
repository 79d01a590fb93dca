"""Minutes of crashing files among good ones through the whole app: `python -m tests.e2e.crash_soak --minutes 4`.

Each round uploads good pictures, copies of pictures of earlier rounds, and files that make the decoder plugin of
`tests/decoders` crash, exit, lie or eat memory, two fifths of all; some overwrite earlier ones. In the end every blob
must have its answer, no message may be poisoned, and `dedup status` must tell of every crash. The short form is
`test_hostile_files.py`.
"""

import argparse
import random
import sys
import time

from typer.testing import CliRunner

from dedup_app.ports.image_status import INDEXED, ImageStatus
from dedup_cli.main import app as dedup
from tests.azurite import run_azurite
from tests.core.drawings import drawn
from tests.core.pictures import encoded
from tests.decoders.hostile import PLUGIN, told_to
from tests.e2e.app import App, app_on

CRASHING = ("segfault", "abort", "exit", "answer")
EATING = "memory"
FILES_A_ROUND = 50
HOSTILE_SHARE = 0.4
NAMES = 4_000
CRASHED = ImageStatus.rejected("decoder-crashed")
TOO_LARGE = ImageStatus.rejected("too-much-memory")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=4)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with run_azurite() as azurite, app_on(azurite.new_account(), PYTHONPATH=str(PLUGIN)) as app:
        expected = play(app, options.minutes * 60, random.Random(options.seed))
        faults = look(app, expected)
    crashes = sum(status == CRASHED for status in expected.values())
    sys.stdout.write(f"{len(expected)} blobs, {crashes} of them crash their decoder: {len(faults)} faults\n")
    sys.exit("\n".join(faults) or 0)


def play(app: App, seconds: float, dice: random.Random) -> dict[str, ImageStatus]:
    """Upload and wait, round after round; what the last content of each name must come to."""
    expected: dict[str, ImageStatus] = {}
    number, end = 0, time.monotonic() + seconds
    with app.host():
        while time.monotonic() < end:
            files: dict[str, bytes] = {}
            for _ in range(FILES_A_ROUND):
                number += 1
                name = f"file-{dice.randrange(NAMES)}"
                files[name], expected[name] = content(number, dice)
            app.upload(files)
            app.wait_until_idle(len(expected), limit_seconds=300)
    return expected


def content(number: int, dice: random.Random) -> tuple[bytes, ImageStatus]:
    if dice.random() < HOSTILE_SHARE:
        command = dice.choice((*CRASHING, EATING))
        data = told_to(command, str(number).encode())
        return data, TOO_LARGE if command == EATING else CRASHED
    picture = drawn(dice.randrange(max(number, 1)), 120, 90)
    return encoded(picture, dice.choice(("PNG", "JPEG"))), INDEXED


def look(app: App, expected: dict[str, ImageStatus]) -> list[str]:
    """What is not as it should be, a line each."""
    rows = app.rows()
    faults = [f"{name} has no answer" for name in expected if name not in rows]
    faults += [
        f"{name} is {rows[name].status}, not {status}"
        for name, status in expected.items()
        if name in rows and rows[name].status != status
    ]
    poison = sum(length.poison for length in app.services.queues.lengths().values())
    faults += [f"{poison} messages are poison"] * bool(poison)
    status = CliRunner().invoke(dedup, ["status"], env=dict(app.environment)).output
    line = status.partition(str(CRASHED))[2].splitlines()[0]
    crashes = sum(it == CRASHED for it in expected.values())
    if str(crashes) not in line.replace(",", "").split():
        faults.append(f"status tells of {line.strip()!r} crashes, not of {crashes}")
    return faults


if __name__ == "__main__":
    main()
