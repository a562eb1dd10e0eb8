"""Where the published data sets come from: addresses, sizes, checksums and licences, and how a set is fetched.

Addresses and MD5 sums are torchvision's where it has the set; sizes and SHA-256 sums are those that TensorFlow Datasets
records; the fixed splits come from the repository of cross-modal adaptation (MIT), checked by their object ids in git.
torchvision's own downloaders neither resume nor use the folders that the literature uses.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lessons_lib.data.archives import SUFFIXES, extract
from lessons_lib.data.downloads import download
from lessons_lib.data.published import PUBLISHED
from lessons_lib.data.published_tasks import Report, verify

VGG = "https://www.robots.ox.ac.uk/~vgg/data"
SPLITS = (
    "https://raw.githubusercontent.com/linzhiqiu/cross_modal_adaptation/ac9077ee4e422f768c9b9109551468605e33ec9a/splits"
)
SPACE = 4  # an archive of JPEGs hardly shrinks; one that unpacks to more than this many times its size is another one


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


def drive(file_id: str) -> str:
    return f"https://drive.usercontent.google.com/download?id={file_id}&export=download&confirm=t"


def _split(name: str, size: int | None, object_id: str) -> Source:
    file = PUBLISHED[name].listing
    return Source(f"{SPLITS}/{file}", file, size, f"git:{object_id}")


_NAMES = Source(drive("1-61f_ol79pViBFDG_IDlUQSwoLcn2XXF"), "classnames.txt")  # CoOp's; no checksum is published
_SHIFTS = "https://people.eecs.berkeley.edu/~hendrycks"

# fmt: off
SOURCES: dict[str, tuple[Source, ...]] = {
    "imagenet": (_NAMES,),
    "caltech101": (
        _split("caltech101", 809_184, "8be694a80de04a39fb159c462bea9696aa47ccf1"),
        Source("https://data.caltech.edu/records/mzrjq-6wc02/files/caltech-101.zip", "caltech-101.zip", None,
               "md5:3138e1922a9193bfa496528edbbc45d0", prefix="caltech-101/", inner="101_ObjectCategories.tar.gz"),
    ),
    "oxford_pets": (
        _split("oxford_pets", 724_217, "fa821d9f9e7d32fdf3640bf74fa7491ed04f37da"),
        Source(f"{VGG}/pets/data/images.tar.gz", "images.tar.gz", 791_918_971,
               "sha256:67195c5e1c01f1ab5f9b6a5d22b8c27a580d896ece458917e61d459337fa318d"),
    ),
    "stanford_cars": (_split("stanford_cars", 1_855_652, "dcdb8264712e9940e74cfb0f06ddb8f9cc239b81"),),
    "oxford_flowers": (
        _split("oxford_flowers", 771_139, "8d10037b0690b6c65e307a354b039efb0f42404c"),
        Source(f"{VGG}/flowers/102/102flowers.tgz", "102flowers.tgz", 344_862_509,
               "sha256:2d01ecc807db462958cfe3d92f57a8c252b4abd240eb955770201e45f783b246"),
    ),
    "food101": (
        _split("food101", None, "39557040ee6501bd32aa8b5dfd75f7941a32f0a7"),
        Source("http://data.vision.ee.ethz.ch/cvl/food-101.tar.gz", "food-101.tar.gz", 4_996_278_331,
               "sha256:d97d15e438b7f4498f96086a4f7e2fa42a32f2712e87d3295441b2b6314053a4", prefix="food-101/"),
    ),
    "fgvc_aircraft": (
        Source(f"{VGG}/fgvc-aircraft/archives/fgvc-aircraft-2013b.tar.gz", "fgvc-aircraft-2013b.tar.gz",
               prefix="fgvc-aircraft-2013b/data/"),
    ),
    "sun397": (
        _split("sun397", None, "8d5725db8f70bcf02245665304f863e68f96a24c"),
        Source("http://vision.princeton.edu/projects/2010/SUN/SUN397.tar.gz", "SUN397.tar.gz", 39_077_296_924,
               "sha256:f404130965a7ad77bed5ececc71e720ab50f3cc1e1bb257257610d38f3b928ec"),
    ),
    "dtd": (
        _split("dtd", 563_702, "8dd197a94b598fa44ee3c9e35c486dd017ab00a7"),
        Source(f"{VGG}/dtd/download/dtd-r1.0.1.tar.gz", "dtd-r1.0.1.tar.gz", 625_239_812,
               "sha256:e42855a52a4950a3b59612834602aa253914755c95b0cff9ead6d07395f8e205", prefix="dtd/"),
    ),
    "eurosat": (
        _split("eurosat", 3_006_492, "6bdc847a5d5c49dcc78e8cb8707b87198cbfa5a4"),
        Source("https://huggingface.co/datasets/torchgeo/eurosat/resolve/c877bcd43f099cd0196738f714544e355477f3fd/"
               "EuroSAT.zip", "EuroSAT.zip", 94_280_567,
               "sha256:8ebea626349354c5328b142b96d0430e647051f26efc2dc974c843f25ecf70bd"),
    ),
    "ucf101": (
        _split("ucf101", 1_557_485, "ea87e3de7b4f6f00fdd77618e34a23508b4c5590"),
        Source(drive("10Jqome3vtUA2keJkNanAiFpgbyC9Hc2O"), "UCF-101-midframes.zip"),
    ),
    "imagenetv2": (
        _NAMES,
        Source("https://huggingface.co/datasets/vaishaal/ImageNetV2/resolve/main/imagenetv2-matched-frequency.tar.gz",
               "imagenetv2-matched-frequency.tar.gz", 1_264_079_360,
               "sha256:f0c37fdf925916b19ea1323cd9a2208cdb6959ba2c32eef2a7fc393835c9ca7c"),
    ),
    "imagenet_sketch": (
        _NAMES,
        Source(drive("1Mj0i5HBthqH1p_yeXzsg22gZduvgoNeA"), "ImageNet-Sketch.zip", 7_593_573_012,
               "sha256:4d3ce6b82a7c48aabf14aeac105eb533e75707f152cc858f55bfc022031a72ed",
               prefix="sketch/", under="images"),
    ),
    "imagenet_a": (
        _NAMES,
        Source(f"{_SHIFTS}/imagenet-a.tar", "imagenet-a.tar", 687_552_512,
               "sha256:3bb3632277e6ba6392ea64c02ddbf4dd2266c9caffd6bc09c9656d28f012589e"),
    ),
    "imagenet_r": (
        _NAMES,
        Source(f"{_SHIFTS}/imagenet-r.tar", "imagenet-r.tar", 2_191_079_936,
               "sha256:18c6bf493b39a0d975d48e587437f562caab9c52ae6327dcfa9dd8eb54aa1b52"),
    ),
}
UNKNOWN = "not known to us: see its page"
ABOUT: dict[str, tuple[str, str]] = {  # page, licence
    "imagenet": ("https://image-net.org/download.php", "ImageNet's terms: non-commercial research and education"),
    "caltech101": ("https://data.caltech.edu/records/mzrjq-6wc02", "CC BY 4.0"),
    "oxford_pets": (f"{VGG}/pets/", "CC BY-SA 4.0"),
    "stanford_cars": ("https://github.com/pytorch/vision/issues/7545", UNKNOWN),
    "oxford_flowers": (f"{VGG}/flowers/102/", UNKNOWN),
    "food101": ("https://data.vision.ee.ethz.ch/cvl/datasets_extra/food-101/",
                "pictures of Foodspotting's users: scientific fair use"),
    "fgvc_aircraft": (f"{VGG}/fgvc-aircraft/", "non-commercial research; the photographers keep their rights"),
    "sun397": ("https://vision.princeton.edu/projects/2010/SUN/", UNKNOWN),
    "dtd": (f"{VGG}/dtd/", UNKNOWN),
    "eurosat": ("https://github.com/phelber/EuroSAT", "MIT; Copernicus Sentinel's terms"),
    "ucf101": ("https://www.crcv.ucf.edu/data/UCF101.php", UNKNOWN),
    "imagenetv2": ("https://github.com/modestyachts/ImageNetV2", "that of each picture on Flickr (the code: MIT)"),
    "imagenet_sketch": ("https://github.com/HaohanWang/ImageNet-Sketch", "not stated for the pictures (the code: MIT)"),
    "imagenet_a": ("https://github.com/hendrycks/natural-adv-examples", "the repository: MIT"),
    "imagenet_r": ("https://github.com/hendrycks/imagenet-r", "the repository: MIT"),
}
BY_HAND: dict[str, str] = {  # what no address gives without an account, or any more
    "imagenet": """Get an account at https://image-net.org and download ILSVRC2012_img_train.tar, ILSVRC2012_img_val.tar
and ILSVRC2012_devkit_t12.tar.gz into '{folder}/images'. torchvision checks and unpacks them there:
  python -c "from torchvision.datasets import ImageNet; [ImageNet('{folder}/images', p) for p in ('train', 'val')]"
(or link the train/ and val/ that you have, with one folder a class in each, into '{folder}/images').""",
    "stanford_cars": """The authors' addresses are gone. {page} says where the archives can be had.
Unpack them so that '{folder}' holds cars_train/ and cars_test/ with 00001.jpg and so on in them.""",
}
# fmt: on


def get(
    name: str,
    root: str | Path,
    *,
    keep_archives: bool = False,
    progress: bool = True,
    say: Callable[[str], object] = print,
) -> Report:
    """Fetches what is missing of a data set into its folder under `root`, unpacks it and counts it.

    Says first what it is, its licence and where it goes. What is there and complete stays as it is; what is fetched by
    hand and put where it belongs is taken. Returns the count. Raises what `download` and `extract` raise.
    """
    folder = Path(root).expanduser().absolute() / PUBLISHED[name].folder
    folder.mkdir(parents=True, exist_ok=True)
    page, licence = ABOUT[name]
    report = verify(name, root)
    if not report.problems:
        say(str(report))
        return report
    say(f"{PUBLISHED[name].title}, into '{folder}'. Licence: {licence}. {page}")
    lists = [source for source in SOURCES[name] if not source.is_archive]
    for source in lists:
        _fetch(source, folder, page, progress=progress, say=say)
    if lists:
        report = verify(name, root)
    if report.problems:
        for source in SOURCES[name]:
            if source.is_archive:
                _fetch(source, folder, page, progress=progress, say=say)
                _unpack(source, folder, keep=keep_archives, progress=progress)
        report = verify(name, root)
    say(str(report))
    if report.problems and name in BY_HAND:
        say(BY_HAND[name].format(folder=folder, page=page))
    return report


def _fetch(source: Source, folder: Path, page: str, *, progress: bool, say) -> None:
    path = folder / source.file
    if path.exists() and not source.is_archive:
        return  # whatever its bytes: a list is checked by reading it
    by_hand = (
        f"By hand: fetch it in a browser, from {source.url} or through {page}; save it as '{path}'; run this again."
    )
    room = (source.size or 0) if source.is_archive else 0  # JPEGs take as much unpacked
    download(
        source.url,
        path,
        size=source.size,
        digest=source.digest,
        by_hand=by_hand,
        room=room,
        progress=progress,
        say=say,
    )


def _unpack(source: Source, folder: Path, *, keep: bool, progress: bool) -> None:
    archive = folder / source.file
    limit = SPACE * archive.stat().st_size + 10**8
    extract(archive, folder, prefix=source.prefix, under=source.under, limit=limit, progress=progress)
    if source.inner:
        extract(folder / source.inner, folder, limit=limit, progress=progress)
        (folder / source.inner).unlink()
    if not keep:
        archive.unlink()
