"""What a comparison of large pictures takes in memory, in a process of its own."""

import subprocess
import sys
from pathlib import Path

from PIL import Image

from tests.core.drawings import drawn

ROOT = Path(__file__).parent.parent.parent
LIMIT_MB = 60
PROGRAM = """
import re, sys
from pathlib import Path
from dedup_core.loading.loader import MemoryEfficientImageLoader

def peak_mb():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1000

loader = MemoryEfficientImageLoader(lambda path: Path(sys.argv[1], path.name).read_bytes())
loader.compute_all_color_metrics("images/small.jpg", "images/small.jpg")  # everything is imported, the tables are made
idle = peak_mb()
metrics = loader.compute_all_color_metrics("images/left.jpg", "images/right.jpg")
print(metrics["pixel_difference"], peak_mb() - idle)
"""


def test_two_24_megapixel_jpegs_are_compared_in_less_than_60_megabytes(tmp_path: Path) -> None:
    picture = drawn(1).resize((6000, 4000), Image.Resampling.BICUBIC)
    picture.save(tmp_path / "left.jpg", quality=90)
    picture.save(tmp_path / "right.jpg", quality=70)
    picture.resize((600, 400)).save(tmp_path / "small.jpg")
    program = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    told = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    pixel_difference, above_idle_mb = map(float, told.split())
    assert 0 < pixel_difference < 5
    assert above_idle_mb < LIMIT_MB, above_idle_mb
