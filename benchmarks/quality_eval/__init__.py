"""The parts of `benchmarks/quality.py`: transforms, our detection, other hashes, arithmetic, tables and plot."""
