"""The whole app under load, with faults and kills, and a check of everything that is left.

    python -m tests.soak                          # 2,000 uploads, 200 overwrites, 100 deletions, 10 kills
    python -m tests.soak --scale 0.1 --seed 7     # a tenth of the changes, the same ten kills

The dice of changes, faults and kills have the seed; how fast the hosts are is no question of dice, so no two runs are
quite the same. The exit code is 1 if anything is wrong.
"""

import argparse
import json
import sys
from dataclasses import replace

from tests.azurite import run_azurite
from tests.soak.run import Options, soak

SHOWN = 20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=Options.seed)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the changes (1)")
    parser.add_argument("--kills", type=int, default=Options.kills)
    parser.add_argument("--faults", type=float, default=Options.faults, help="share of storage calls that fail (0.15)")
    parser.add_argument("--json", action="store_true", help="print the whole report for a program")
    chosen = parser.parse_args()
    full = Options(seed=chosen.seed, faults=chosen.faults, kills=chosen.kills)
    scaled = ("uploads", "overwrites", "deletions", "again", "spells")
    options = replace(full, **{name: max(1, round(getattr(full, name) * chosen.scale)) for name in scaled})
    with run_azurite() as azurite:
        report = soak(azurite.new_account(), options)
    if chosen.json:
        told = {"happened": report.happened, "faults": report.faults, "wrong": report.findings.wrong}
        told |= {"right": report.findings.right, "statistics": report.statistics.as_dict()}
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
        return int(bool(report.findings))
    lines = [f"{name}: {value:,}" for name, value in report.happened.items()]
    lines += [f"faults: {', '.join(f'{count:,} {kind}' for kind, count in sorted(report.faults.items()))}"]
    lines += [
        f"{len(found)} {kind} ({report.findings.right[kind]:,} right)" for kind, found in report.findings.wrong.items()
    ]
    lines += [f"  {kind}: {what}" for kind, found in report.findings.wrong.items() for what in found[:SHOWN]]
    sys.stdout.write("\n".join(lines) + "\n")
    return int(bool(report.findings))


if __name__ == "__main__":
    sys.exit(main())
