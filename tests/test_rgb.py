"""The learner's own picture goes through what the photos of a task went through, whatever PIL opens it as."""

import io
import struct

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image, PngImagePlugin

from lessons_lib.data.pictures import examine, open_picture
from lessons_lib.features import transform_name
from lessons_lib.rgb import as_rgb
from lessons_lib.teaching import plots

RNG = np.random.default_rng(0)
COLOURS = RNG.integers(0, 256, (20, 30, 3), dtype=np.uint8)
TURNED = Image.Exif()
TURNED[ExifTags.Base.Orientation] = 6


def grey(bits: str, top: float) -> np.ndarray:
    return np.linspace(0, top, 600).reshape(20, 30).astype(bits)


def files(folder):
    """One of every kind that has to be made something of."""
    Image.fromarray(np.dstack([COLOURS, COLOURS[..., :1]])).save(folder / "transparent.png")
    Image.fromarray(COLOURS).save(folder / "turned.jpg", exif=TURNED)
    Image.fromarray(grey("u2", 65535)).save(folder / "16 bits.png")
    Image.fromarray(grey("u2", 65535)).save(folder / "16 bits and turned.tif", exif=TURNED)
    Image.fromarray(grey("f4", 1)).save(folder / "with a point.tif")
    Image.fromarray(grey("i4", 2**31 - 1)).save(folder / "32 bits.tif")
    Image.fromarray(COLOURS).convert("P").save(folder / "palette.gif", transparency=3)
    Image.fromarray(COLOURS).convert("CMYK").save(folder / "print.jpg")
    Image.fromarray(COLOURS).convert("LAB").save(folder / "lab.tif")
    return sorted(folder.iterdir())


def test_a_picture_that_is_opened_by_hand_is_the_one_that_load_task_has(tmp_path, clip):
    for path in files(tmp_path):
        by_hand, loaded = clip.preprocess(Image.open(path)), clip.preprocess(open_picture(str(path)))
        assert torch.equal(by_hand, loaded), path.name
        assert np.array_equal(plots.pictures([Image.open(path)])[0], np.asarray(open_picture(path))), path.name


def test_augmented_views_are_of_the_same_picture(tmp_path, clip):
    for path in files(tmp_path):
        views = []
        for picture in (Image.open(path), open_picture(path)):
            torch.manual_seed(1)
            views.append(clip.augment(picture))
        assert torch.equal(*views), path.name


def test_doing_it_twice_changes_nothing(tmp_path):
    for path in files(tmp_path):
        once = as_rgb(Image.open(path))
        assert np.array_equal(np.asarray(as_rgb(once.copy())), np.asarray(once)), path.name


def test_a_picture_that_was_converted_first_is_turned_as_well(tmp_path):
    Image.fromarray(COLOURS).save(tmp_path / "turned.jpg", exif=TURNED)
    assert as_rgb(Image.open(tmp_path / "turned.jpg").convert("RGB")).size == (20, 30)


@pytest.mark.parametrize("mode", [*Image.MODES, "LA", "La", "PA", "RGBa", "I;16B"])
def test_every_mode_becomes_rgb(mode):
    assert as_rgb(Image.new(mode, (8, 6))).mode == "RGB"


@pytest.mark.parametrize(
    "values",
    [grey("u2", 65535), grey("f4", 1), grey("f4", 255), grey("i4", 65535), grey("i4", 2**31 - 1), grey("f4", 9e9) - 7],
    ids=["16 bits", "0 to 1", "0 to 255", "16 in 32", "32 bits", "any"],
)
def test_greys_of_every_depth_keep_their_shades(tmp_path, values):
    Image.fromarray(values).save(tmp_path / "scan.tif")
    shades = np.asarray(open_picture(tmp_path / "scan.tif"))[..., 0].astype(int).flatten()
    assert shades[0] == 0 and shades[-1] == 255 and (np.diff(shades) >= 0).all() and len(set(shades)) > 200


def test_twelve_bits_in_sixteen_are_not_taken_for_night():
    tags = {258: (12,)}
    picture = Image.fromarray(grey("u2", 4095))
    picture.tag_v2 = tags
    assert np.asarray(as_rgb(picture)).max() == 255


def test_a_negative_is_shown_as_it_is_meant(tmp_path):
    Image.fromarray(grey("u2", 65535)).save(tmp_path / "film.tif", tiffinfo={262: 0})
    shades = np.asarray(open_picture(tmp_path / "film.tif"))[..., 0]
    assert shades[0, 0] == 255 and shades[-1, -1] == 0


def test_a_transparent_grey_of_sixteen_bits_becomes_white(tmp_path):
    Image.fromarray(grey("u2", 600)).save(tmp_path / "map.png", transparency=0)
    shades = np.asarray(open_picture(tmp_path / "map.png"))[..., 0]
    assert shades[0, 0] == 255 and shades[0, 2] == 0


def test_greys_that_are_no_numbers_are_damage(tmp_path):
    Image.fromarray(np.full((4, 4), np.nan, dtype=np.float32)).save(tmp_path / "scan.tif")
    assert "not finite" in examine(tmp_path / "scan.tif").problem


def test_what_is_no_picture_is_told_so(clip):
    with pytest.raises(TypeError, match=r"a picture that PIL has opened, Image\.open\(path\); got a str"):
        clip.preprocess("cat.jpg")


def test_kept_features_are_found_under_the_same_name(clip):
    assert transform_name(clip.preprocess).startswith("Compose(")


def exif_block(*entries) -> bytes:
    """The orientation 6, and odd entries: (tag, type, count, 4 bytes)."""
    entries = [(0x112, 3, 1, struct.pack("<HH", 6, 0)), *entries]
    packed = b"".join(struct.pack("<HHI", *entry[:3]) + entry[3] for entry in entries)
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + packed + bytes(4)


ODD = {
    "XResolution as text": (0x11A, 2, 2, b"7\0\0\0"),
    "ImageDescription as a number": (0x10E, 12, 1, b"\1\0\0\0"),
    "XResolution as two shorts": (0x11A, 3, 2, struct.pack("<HH", 72, 1)),
    "a place behind the end": (0x10F, 2, 900, struct.pack("<I", 60000)),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("entry", ODD.values(), ids=ODD)
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_an_odd_exif_entry_is_no_damage(tmp_path, entry, suffix):
    file = tmp_path / f"photo{suffix}"
    Image.fromarray(COLOURS).save(file, exif=exif_block(entry))
    assert examine(file).problem == "" and open_picture(file).size == (20, 30)


@pytest.mark.filterwarnings("ignore")
def test_exif_that_cannot_be_read_leaves_the_picture_as_it_lies(tmp_path):
    Image.fromarray(COLOURS).save(tmp_path / "photo.jpg", exif=b"Exif\0\0nonsense")
    assert examine(tmp_path / "photo.jpg").problem == "" and open_picture(tmp_path / "photo.jpg").size == (30, 20)


@pytest.mark.parametrize("what", ["pnginfo", "icc_profile"])
def test_long_notes_in_a_png_are_no_damage(tmp_path, what):
    notes = PngImagePlugin.PngInfo()
    notes.add_itxt("XML:com.adobe.xmp", "x" * 3_000_000, zip=True)
    Image.fromarray(COLOURS).save(
        tmp_path / "p.png", **{what: {"pnginfo": notes, "icc_profile": bytes(3_000_000)}[what]}
    )
    assert examine(tmp_path / "p.png").problem == ""
    assert np.array_equal(np.asarray(open_picture(tmp_path / "p.png")), COLOURS)


def test_a_png_with_long_notes_and_damaged_pixels_is_damaged(tmp_path):
    notes, buffer = PngImagePlugin.PngInfo(), io.BytesIO()
    notes.add_itxt("XML:com.adobe.xmp", "x" * 3_000_000, zip=True)
    Image.fromarray(COLOURS).save(buffer, "png", pnginfo=notes)
    data = bytearray(buffer.getvalue())
    data[-30] ^= 1
    (tmp_path / "p.png").write_bytes(data)
    assert examine(tmp_path / "p.png").problem != ""
