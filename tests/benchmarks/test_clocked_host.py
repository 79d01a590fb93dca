"""The clocks of the pipeline's benchmark sit on functions that are there."""

import importlib

import pytest

from benchmarks.clocked_host import APP_STAGES


@pytest.mark.parametrize("target", [it for targets in APP_STAGES.values() for it in targets])
def test_each_clocked_function_is_there(target):
    module, _, name = target.partition(":")
    found = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    assert callable(found)
