"""`python -m demo`: photographs and variants of them go in, explained verdicts come out; 0 if all of them are right."""

import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from demo.check import Outcome, mistakes
from demo.photographs import MissingPhotographError
from demo.pictures import Picture, pictures
from demo.progress import Progress
from demo.run import GaveUpError, running_app, upload, wait
from demo.table import result
from local_host.azurite import AzuriteError
from local_host.process import HostProcessError

WIDTH_OF_A_FILE = 110
STOPPED_BY_CTRL_C = 130


def main() -> int:
    out = Console(width=None if sys.stdout.isatty() else WIDTH_OF_A_FILE, highlight=False)
    try:
        shown = pictures()
        outcome = _run(shown, out)
    except (AzuriteError, GaveUpError, HostProcessError, MissingPhotographError) as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"The demo failed. {error}", markup=False)
        return 1
    except KeyboardInterrupt:
        out.print("Stopped.")
        return STOPPED_BY_CTRL_C
    wrong = mistakes(shown, outcome)
    out.print(result(shown, outcome, wrong))
    return 1 if wrong else 0


def _run(shown: list[Picture], out: Console) -> Outcome:
    """Start everything, upload, wait; a terminal sees how far it is, a file two lines."""
    with tempfile.TemporaryDirectory(prefix="dedup-demo-") as folder:
        out.print("Starting the app on an emulated storage account (Azurite) ...")
        with running_app(Path(folder)) as app:
            out.print(f"Uploading {len(shown)} files and waiting for verdicts ...")
            columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            with Bars(*columns, console=out, transient=True, disable=not out.is_terminal) as bars:
                images = bars.add_task("images fingerprinted", total=len(shown))
                pairs = bars.add_task("pairs verified", total=None)

                def watch(progress: Progress) -> None:
                    bars.update(images, completed=progress.finished)
                    bars.update(pairs, completed=progress.verified, total=len(progress.pairs) or None)

                upload(app, shown)
                return wait(app, shown, watch)


if __name__ == "__main__":
    sys.exit(main())
