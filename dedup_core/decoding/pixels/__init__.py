"""What becomes of decoded pixels: deep values, ICC profiles, transparency, and a smaller size."""
