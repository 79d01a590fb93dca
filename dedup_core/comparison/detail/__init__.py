"""Whether every part of two aligned pictures shows the same: blocks, marks and fine print."""
