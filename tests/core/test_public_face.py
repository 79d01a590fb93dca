"""`from dedup_core import ...` gives what the design promises, and importing the package alone loads nothing heavy."""

import pkgutil
import subprocess
import sys

import dedup_core


def test_every_public_name_can_be_imported():
    for name in dedup_core.__all__:
        assert getattr(dedup_core, name) is not None


def test_every_name_that_has_a_home_is_public_and_the_other_way_round():
    assert sorted(dedup_core._MODULE_OF) == sorted(dedup_core.__all__)


def test_the_names_of_the_design_are_there():
    promised = {"compare", "decide", "extract_features", "measure_pair", "FingerprintIndex", "compute_color_similarity"}
    assert promised <= set(dedup_core.__all__)


def test_no_public_name_is_hidden_by_a_module_of_the_same_name():
    modules = {module.name for module in pkgutil.iter_modules(dedup_core.__path__)}
    assert not modules & set(dedup_core.__all__)


def test_an_unknown_name_is_an_attribute_error():
    assert not hasattr(dedup_core, "nonsense")


def test_importing_the_package_alone_loads_neither_numpy_nor_pillow():
    code = "import sys, dedup_core; print([name for name in ('numpy', 'PIL') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_search_loads_no_masked_arrays_which_a_first_picture_would_wait_for():
    code = """
import sys
import numpy as np
from io import BytesIO
from PIL import Image
from dedup_core import FingerprintIndex, extract_features

def fingerprints(seed):
    drawn = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), np.uint8)
    file = BytesIO()
    Image.fromarray(drawn).resize((320, 240)).save(file, "PNG")
    return extract_features(file.getvalue()).fingerprints

prints = [fingerprints(seed) for seed in range(3)]
sys.modules.pop("numpy.ma", None)  # which an app has its decoder processes load, if anybody
np.__dict__.pop("ma", None)
index = FingerprintIndex()
for number, it in enumerate(prints):
    index.add(bytes([number]) * 16, it)
    index.add(bytes([number]) * 16, it)
    assert index.search(it)
print("numpy.ma" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
