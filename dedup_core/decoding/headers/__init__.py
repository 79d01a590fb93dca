"""What the headers of image files promise, read without decoding."""
