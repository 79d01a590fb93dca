"""CIELAB, palettes, histograms and the three color metrics."""
