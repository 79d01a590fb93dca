"""Which code of the core a result rests on, so that results are kept exactly as long as that code stays."""

import ast
from functools import cache
from pathlib import Path

import dedup_core
from benchmarks.quality_eval.pictures import source_version

CORE = Path(dedup_core.__file__).parent


@cache
def core_version(module: str) -> str:
    """A short digest of a module of the core and of all modules of the core that it imports, however far down."""
    return source_version([str(CORE / f"{name}.py") for name in sorted(_closure(module))])


def _closure(module: str) -> set[str]:
    found, waiting = set(), {module}
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= _imports(name) - found
    return found


def _imports(module: str) -> set[str]:
    tree = ast.parse((CORE / f"{module}.py").read_text(encoding="utf-8"))
    froms = (node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    return {name.removeprefix("dedup_core.") for name in froms if name.startswith("dedup_core.")}
