"""The same picture has the same fingerprints on every processor, also where its symmetry makes keypoints tie."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

PICTURES = (
    "checker",
    "checker?size=400",
    "checker?cells=5&width=300&height=200",
    "gradient",
    "gradient?size=512",
    "circle",
    "rectangle?size=400",
    "noise?seed=3&size=300",
)
PROGRAM = """
import sys
from dedup_core.extraction import extract_features
from dedup_core.loading.generated import draw_generated_image
from dedup_core.paths import ImagePath
for name in sys.argv[1:]:
    data = draw_generated_image(ImagePath.parse("test://" + name))
    print(extract_features(data).fingerprints.to_bytes().hex())
"""


def fingerprints_on(core):
    """What a process finds whose linear algebra takes the code written for that kind of processor."""
    environment = {**os.environ, "OPENBLAS_CORETYPE": core, "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", PROGRAM, *PICTURES]
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return dict(zip(PICTURES, finished.stdout.split(), strict=True))


def test_fingerprints_do_not_depend_on_the_processor():
    with ThreadPoolExecutor() as threads:
        newer, older = threads.map(fingerprints_on, ("Haswell", "Sandybridge"))
    assert newer == older
