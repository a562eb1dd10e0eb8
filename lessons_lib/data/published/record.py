"""What is known of one published data set, and of the files that it is fetched as."""

from collections.abc import Callable
from dataclasses import dataclass, field

from lessons_lib.data.archives import SUFFIXES

PHOTO = "a photo of a {}."
UNKNOWN = "not known to us: see its page"  # a licence


@dataclass(frozen=True)
class Source:
    """A file of a data set, or an archive with its images.

    file: its name in the set's folder.   size, digest: as for `download`.
    prefix, under: as for `extract`.   inner: an archive inside the archive that is unpacked as well, and removed.
    """

    url: str
    file: str
    size: int | None = None
    digest: str = ""
    prefix: str = ""
    under: str = ""
    inner: str = ""

    @property
    def is_archive(self) -> bool:
        return self.file.endswith(SUFFIXES)


@dataclass
class Listing:
    """names: for each split, image paths relative to the set's folder, with forward slashes; labels: beside them."""

    classnames: list[str]
    names: dict[str, list[str]] = field(default_factory=lambda: {"train": [], "val": [], "test": []})
    labels: dict[str, list[int]] = field(default_factory=lambda: {"train": [], "val": [], "test": []})

    def add(self, split: str, name: str, label: int) -> None:
        self.names[split].append(name)
        self.labels[split].append(label)


@dataclass(frozen=True)
class DataSet:
    """One data set.

    name: what `load_task` calls it.   title: what the papers call it.
    read: how it says what belongs to which split: one of `readers`, or one of the set's own.
    listing: the file that names the images or the classes.
    sizes: (train, val, test) images as published, to compare with.
    eleven: whether it is one of the eleven that the prompt-learning papers report.
    shift_of: the set whose classes it shows under other conditions; it has test images alone.
    lends_val: its val is held out of the training images, by `pool_seed`.
    sources: what is fetched.   by_hand: what to do for what no address gives; {folder} and {page} are filled in.
    """

    name: str
    title: str
    folder: str  # under the root
    images: str  # under the folder
    read: Callable[..., Listing]
    listing: str
    classes: int
    sizes: tuple[int, int, int]
    page: str
    licence: str = UNKNOWN
    template: str = PHOTO
    sources: tuple[Source, ...] = ()
    by_hand: str = ""
    eleven: bool = False
    shift_of: str = ""
    lends_val: bool = False


def drive(file_id: str) -> str:
    """The address of a file that Google Drive keeps."""
    return f"https://drive.usercontent.google.com/download?id={file_id}&export=download&confirm=t"


# CoOp's names of ImageNet's classes, which its shifts share; no checksum is published.
CLASSNAMES = Source(drive("1-61f_ol79pViBFDG_IDlUQSwoLcn2XXF"), "classnames.txt")
