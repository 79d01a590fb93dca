"""The parts of `benchmarks/quality.py`: our detection, other hashes, arithmetic, tables and plot."""
