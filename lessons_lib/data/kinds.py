"""Which files are pictures: by their ending where it is a usual one, by their first bytes where it is not.

Photos come without an ending, with a browser's (.jfif) or a telephone's (.HEIC). What is read here and what is not is
decided by what PIL, with its plug-in for HEIC where that is installed, can open. Sounds are read from WAV files alone.
"""

import stat
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PIL import Image

EXTENSIONS = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".mpo", ".jp2", ".ppm", ".pgm",
    ".pbm", ".pnm", ".tga",
)  # fmt: skip
# What systems leave behind in folders; in lower case. Names with a dot in front are hidden, too.
OF_THE_SYSTEM = ("__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "@eadir", "$recycle.bin")
# The formats that are known by their beginning, under PIL's names. TIFF is not among them: raw files of cameras begin
# like it, and PIL would read the small preview in them.
BEGINNINGS = {"JPEG": b"\xff\xd8\xff", "PNG": b"\x89PNG\r\n\x1a\n", "GIF": b"GIF8", "JPEG2000": b"\0\0\0\x0cjP  "}
BRANDS = {"AVIF": ("avif", "avis"), "HEIF": ("heic", "heix", "hevc", "hevx", "heim", "heis", "mif1", "msf1")}
HOW_TO_READ = {
    "HEIF": "HEIC is read where its plug-in is installed: pip install 'lessons_lib[photos]', or convert to JPEG",
    "AVIF": "AVIF is read by Pillow from 11.3 on: pip install 'lessons_lib[photos]', or convert to JPEG",
}
WAV = (".wav", ".wave")
# Sounds that are not read, by their endings, and some of them by their first bytes.
NOT_WAV = (".mp3", ".flac", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".wma", ".aif", ".aiff", ".amr")
OTHER_SOUNDS = {"MP3": (b"ID3", b"\xff\xfb", b"\xff\xf3"), "FLAC": (b"fLaC",), "Ogg": (b"OggS",), "AIFF": (b"FORM",)}
TO_WAV = "sounds are read from WAV files: convert them, as with  ffmpeg -i sound.mp3 sound.wav"


def is_hidden(path: Path) -> bool:
    """Whether a file or folder is no part of the pictures: hidden, or put there by the system."""
    return path.name.startswith(".") or path.name.lower() in OF_THE_SYSTEM


def is_picture(path: Path) -> bool:
    """Whether a file should be read as a picture; whether it is sound is another question (`pictures.examine`)."""
    return path.suffix.lower() in EXTENSIONS or format_of(beginning(path)) in readable()


def is_sound(path: Path) -> bool:
    """Whether a file should be read as a sound; whether it can be heard is another question (`sounds.open_sound`)."""
    begins = beginning(path)
    return path.suffix.lower() in WAV or (begins[:4] in (b"RIFF", b"RIFX", b"RF64") and begins[8:12] == b"WAVE")


@dataclass(frozen=True)
class Files:
    """What the files of a task are.   many, files, one: what they are called.   endings: the usual ones."""

    many: str
    files: str
    one: str
    endings: tuple[str, ...]
    takes: Callable[[Path], bool]


PICTURES = Files("pictures", "images", "photo", EXTENSIONS, is_picture)
SOUNDS = Files("sounds", "sounds", "sound", WAV, is_sound)


def files_in(root: Path) -> Files:
    """Sounds, where a folder has more files with their endings than with those of pictures; else pictures."""
    files = [path for top in root.iterdir() for path in (top, *top.rglob("*"))]  # a class's folder may be a link
    endings = Counter(path.suffix.lower() for path in files if not is_hidden(path))
    heard, seen = (sum(endings[ending] for ending in kind.endings) for kind in (SOUNDS, PICTURES))
    return SOUNDS if heard > seen else PICTURES


def beginning(path: Path) -> bytes:
    """The first bytes of a regular file; none of what is no regular file (a pipe would be waited for) or is shut."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return b""
        with path.open("rb") as file:
            return file.read(32)
    except OSError:
        return b""


def format_of(begins: bytes) -> str:
    """PIL's name of a format that its first 32 bytes give away, else ""."""
    if begins[4:8] == b"ftyp":
        brand = begins[8:12].decode("latin-1")
        return next((name for name, brands in BRANDS.items() if brand in brands), "")
    if begins[:4] == b"RIFF" and begins[8:12] == b"WEBP":
        return "WEBP"
    return next((name for name, first in BEGINNINGS.items() if begins.startswith(first)), "")


@cache
def readable() -> tuple[str, ...]:
    """The formats that can be opened here, as `Image.open(formats=…)` takes them.

    EPS is not among them: it is a program, which PIL lets Ghostscript run.
    """
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        pass
    else:
        register_heif_opener()
    Image.init()
    return tuple(name for name in Image.ID if name != "EPS")


def counted(paths: Iterable[Path]) -> str:
    """ ".heic (30), .mov (2), no regular file (1)", the most frequent first; and how HEIC and AVIF can be read."""
    paths = list(paths)
    kinds = Counter(_kind(path) for path in paths)
    said = ", ".join(f"{kind} ({count:,})" for kind, count in kinds.most_common())
    formats = {format_of(beginning(path)) or path.suffix.lstrip(".").upper() for path in paths}
    formats = {"HEIF" if name == "HEIC" else name for name in formats}
    hints = [how for name, how in HOW_TO_READ.items() if name in formats and name not in readable()]
    hints += [TO_WAV] if any(path.suffix.lower() in NOT_WAV for path in paths) else []
    return ". ".join([said, *hints])


def _kind(path: Path) -> str:
    if path.exists() and not path.is_file():
        return "no regular file"
    return path.suffix.lower() or "without an ending"
