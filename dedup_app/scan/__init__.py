"""Files of one machine to groups of the same picture, without any storage."""
