"""`python -m demo.folder my-photos`: a folder of photographs with copies among them, for docs/tutorial.md."""

import sys
from pathlib import Path

from demo import variants
from demo.photographs import photograph


def files() -> dict[str, bytes]:
    """Each file by its name."""
    tower, cat, coffee = (photograph(name) for name in ("china.jpg", "chelsea.png", "coffee.png"))
    return {
        "cat.png": cat,
        "cat-web.webp": variants.as_webp(cat),
        "coffee.png": coffee,
        "coffee-blue.jpg": variants.hue_shifted(coffee),
        "letter.jpg": "Dear Sir or Madam,\nplease find enclosed …\n".encode() * 40,
        "rocket.jpg": photograph("rocket.jpg"),
        "tower.jpg": tower,
        "tower_again.jpg": tower,
        "tower-sample.jpg": variants.watermarked(tower),
        "tower-small.jpg": variants.half_size(tower),
    }


def main() -> int:
    if len(sys.argv) != 2:  # noqa: PLR2004 - the program and one folder
        print("usage: python -m demo.folder FOLDER", file=sys.stderr)
        return 2
    folder = Path(sys.argv[1])
    made = {folder / name: data for name, data in files().items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, data in made.items():
            if file.exists() and file.read_bytes() != data:
                print(f"error: {file} is a file of your own: choose another folder", file=sys.stderr)
                return 2
        for file, data in made.items():
            file.write_bytes(data)
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{len(made)} files in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
