"""A picture as every model is given it: upright, laid on white where it is transparent, 8 bits a colour, RGB.

One way for the photos of a task, and for the one that a learner opens himself and gives to `clip.preprocess`.
"""

import numpy as np
from PIL import ExifTags, Image

TURNS = {  # EXIF's orientation -> what makes a picture upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
BITS, PHOTOMETRIC = 258, 262  # tags of TIFF
WHITE_IS_ZERO = 0


def as_rgb(image: Image.Image) -> Image.Image:
    """The image in RGB, of whatever mode PIL opens; of several frames the one that it stands at, which is the first.

    It is turned as its EXIF says. Of 16-bit greys the upper 8 bits are kept. Whole numbers beyond 16 bits, and numbers
    with a point that are neither in 0 … 1 nor in 0 … 255, are stretched from the smallest to the largest of the image.
    What comes out carries no notes (EXIF, colour profile), so doing it twice changes nothing.
    Raises TypeError for what is no PIL image, ValueError where a grey is not a finite number.
    """
    if not isinstance(image, Image.Image):
        raise TypeError(f"this takes a picture that PIL has opened, Image.open(path); got a {type(image).__name__}")
    if type(image) is Image.Image and image.mode == "RGB" and not image.info:
        return image  # not a file, which would be closed behind it
    _load(image)
    tags, notes = getattr(image, "tag_v2", {}), image.info
    image = _upright(image)
    if image.mode == "F" or image.mode.startswith("I"):
        image = _of_deep_greys(np.asarray(image), tags, notes.get("transparency"))
    elif image.has_transparency_data:
        image = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    rgb = image.convert("RGB")
    rgb.info = {}
    return rgb


def _load(image: Image.Image) -> None:
    """PIL turns a TIFF as it loads it, but not one that it maps into memory, for which it goes by the file's name."""
    name = getattr(image, "filename", "")
    if hasattr(image, "tag_v2"):
        image.filename = ""
    try:
        image.load()
    finally:
        if hasattr(image, "tag_v2"):
            image.filename = name


def _upright(image: Image.Image) -> Image.Image:
    """Turned by the orientation, where that can be read: other entries of the EXIF may be as odd as they like."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # PIL raises nearly every kind for EXIF that is damaged, which says nothing of the pixels
        return image
    turn = TURNS.get(orientation) if isinstance(orientation, int) else None
    return image if turn is None else image.transpose(turn)


def _of_deep_greys(values: np.ndarray, tags, transparent: int | None) -> Image.Image:
    """values: (H, W), of 16 or 32 bits, whole or with a point.   tags: of a TIFF.   transparent: the grey that is."""
    if not np.isfinite(values).all():
        raise ValueError("some of its greys are not finite numbers (NaN or infinite)")
    low, high = (values.min(), values.max()) if values.size else (0, 0)
    if values.dtype.kind == "f" and low >= 0 and high <= 255:
        greys = values * 255 if high <= 1 else values
    elif values.dtype.kind != "f" and low >= 0 and high <= 65535:
        bits = tags.get(BITS, (16,))[0]
        greys = values >> ((bits if 8 <= bits < 16 else 16) - 8)  # 12 bits are kept in 16
    else:
        greys = (values.astype(np.float64) - low) / max(float(high) - float(low), 1e-30) * 255
    greys = np.clip(greys, 0, 255).astype(np.uint8)
    if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO:
        greys = 255 - greys
    if isinstance(transparent, int):
        greys = np.where(values == transparent, np.uint8(255), greys)
    return Image.fromarray(greys)
