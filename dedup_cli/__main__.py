"""Where `dedup` and `python -m dedup_cli` begin: a sentence in place of a traceback where an extra is missing."""

import os
import sys


def main() -> None:
    # What a command has to compute is spread over processes: threads of each of them besides only wait for each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        from dedup_cli.main import app  # noqa: PLC0415 - it may not be importable
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "rich"):
            raise
        sys.exit(
            f"error: the command `dedup` needs the package {error.name}, which comes with an extra: "
            "pip install 'near-duplicate-images[cli]' (with [cli,azure] for an app in Azure)"
        )
    app()


if __name__ == "__main__":
    main()
