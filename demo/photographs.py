"""The photographs that installed packages ship, read as files, without importing those packages."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

# Credits and licenses: demo/README.md
FILES = {
    "astronaut.png": ("scikit-image", "skimage/data/astronaut.png"),
    "camera.png": ("scikit-image", "skimage/data/camera.png"),
    "chelsea.png": ("scikit-image", "skimage/data/chelsea.png"),
    "coffee.png": ("scikit-image", "skimage/data/coffee.png"),
    "hubble.jpg": ("scikit-image", "skimage/data/hubble_deep_field.jpg"),
    "retina.jpg": ("scikit-image", "skimage/data/retina.jpg"),
    "rocket.jpg": ("scikit-image", "skimage/data/rocket.jpg"),
    "china.jpg": ("scikit-learn", "sklearn/datasets/images/china.jpg"),
    "flower.jpg": ("scikit-learn", "sklearn/datasets/images/flower.jpg"),
}


class MissingPhotographError(Exception):
    """A photograph is not where its package keeps it."""


def photograph(name: str) -> bytes:
    """The file as the package ships it."""
    package, path_in_package = FILES[name]
    try:
        file = Path(str(distribution(package).locate_file(path_in_package)))
        return file.read_bytes()
    except (PackageNotFoundError, FileNotFoundError) as error:
        message = f"the photograph {name} is missing from {package}: run `make setup`, which installs {package}"
        raise MissingPhotographError(message) from error
