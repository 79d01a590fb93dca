"""Which code of the core a result rests on, so that results are kept exactly as long as that code stays."""

import re
from functools import cache
from pathlib import Path

import dedup_core
from benchmarks.quality_eval.pictures import source_version

CORE = Path(dedup_core.__file__).parent
# Read by an expression: to parse whole modules takes most of a second, in each process that loads this.
_IMPORT = re.compile(r"^ *from dedup_core(?:\.([\w.]+))? import (\([^)]*\)|.*)", re.MULTILINE)


@cache
def core_version(module: str) -> str:
    """A short digest of a module of the core and of all modules of the core that it imports, however far down.

    A module is named by its place below `dedup_core`, as in `comparison.measure`.
    """
    return source_version([str(_source(name)) for name in sorted(_closure(module))])


def _closure(module: str) -> set[str]:
    found, waiting = set(), {module}
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= _imports(name) - found
    return found


@cache
def _imports(module: str) -> set[str]:
    imports = _IMPORT.findall(_source(module).read_text(encoding="utf-8"))
    ours = {origin for origin, _ in imports if origin}
    ours |= {f"{origin}.{name}".strip(".") for origin, names in imports for name in re.findall(r"\w+", names)}
    return {name for name in ours if _source(name).exists()}


def _source(module: str) -> Path:
    place = CORE / module.replace(".", "/")
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
