"""What the first frame of a GIF leaves of its screen: transparent, as in browsers; Pillow fills it with a color."""

from PIL import ImageFile


def clear_around_frame(picture: ImageFile.ImageFile) -> None:
    """Make it so in a picture that was loaded, by an index that none of its pixels has; without one it stays as it is.

    A picture that has transparency is right already.
    """
    left, top, right, bottom = picture.dispose_extent  # type: ignore[attr-defined] # of the frame
    width, height = picture.size
    around = (0, 0, width, top), (0, bottom, width, height), (0, top, left, bottom), (right, top, width, bottom)
    empty = [box for box in around if box[0] < box[2] and box[1] < box[3]]
    if not empty or picture.mode not in ("P", "L") or "transparency" in picture.info:
        return
    unused = next((index for index, amount in enumerate(picture.histogram()) if amount == 0), None)
    if unused is None:
        return
    for box in empty:
        picture.paste(unused, box)
    picture.info["transparency"] = unused
