"""What two aligned pictures both show, and which of them has more: an overlay, a frame, the whole scene."""
