"""The eleven data sets of the prompt-learning papers, as CoOp (Zhou et al., IJCV 2022) lays them out and splits them.

The fixed splits come from the repository of cross-modal adaptation (MIT), checked by their object ids in git. Addresses
and MD5 sums are torchvision's where it has the set; sizes and SHA-256 sums are those that TensorFlow Datasets records.
"""

from lessons_lib.data.published.readers import read_aircraft, read_imagenet, read_split
from lessons_lib.data.published.record import CLASSNAMES, PHOTO, UNKNOWN, DataSet, Source, drive

VGG = "https://www.robots.ox.ac.uk/~vgg/data"
SPLITS = (
    "https://raw.githubusercontent.com/linzhiqiu/cross_modal_adaptation/ac9077ee4e422f768c9b9109551468605e33ec9a/splits"
)


def _split_set(
    name: str, title: str, folder: str, images: str, split: str, classes: int, sizes: tuple[int, int, int], *,
    page: str, object_id: str, split_size: int | None = None, template: str = PHOTO, licence: str = UNKNOWN,
    archive: Source | None = None, by_hand: str = "",
) -> DataSet:  # fmt: skip
    """A set that comes with a fixed split: split_zhou_….json of `split_size` bytes, and an archive of images."""
    listing = f"split_zhou_{split}.json"
    sources = (Source(f"{SPLITS}/{listing}", listing, split_size, f"git:{object_id}"), archive)
    return DataSet(
        name, title, folder, images, read_split, listing, classes, sizes, page, licence, template,
        tuple(source for source in sources if source), by_hand, eleven=True,
    )  # fmt: skip


# fmt: off
SETS = (
    DataSet(
        "imagenet", "ImageNet", "imagenet", "images", read_imagenet, "classnames.txt", 1000, (1_281_167, 0, 50_000),
        page="https://image-net.org/download.php", licence="ImageNet's terms: non-commercial research and education",
        sources=(CLASSNAMES,), eleven=True, lends_val=True,
        by_hand="""Get an account at https://image-net.org and download ILSVRC2012_img_train.tar, ILSVRC2012_img_val.tar
and ILSVRC2012_devkit_t12.tar.gz into '{folder}/images'. torchvision checks and unpacks them there:
  python -c "from torchvision.datasets import ImageNet; [ImageNet('{folder}/images', p) for p in ('train', 'val')]"
(or link the train/ and val/ that you have, with one folder a class in each, into '{folder}/images').""",
    ),
    _split_set(
        "caltech101", "Caltech101", "caltech-101", "101_ObjectCategories", "Caltech101", 100, (4128, 1649, 2465),
        page="https://data.caltech.edu/records/mzrjq-6wc02", licence="CC BY 4.0",
        object_id="8be694a80de04a39fb159c462bea9696aa47ccf1", split_size=809_184,
        archive=Source("https://data.caltech.edu/records/mzrjq-6wc02/files/caltech-101.zip", "caltech-101.zip", None,
                       "md5:3138e1922a9193bfa496528edbbc45d0", prefix="caltech-101/",
                       inner="101_ObjectCategories.tar.gz"),
    ),
    _split_set(
        "oxford_pets", "OxfordPets", "oxford_pets", "images", "OxfordPets", 37, (2944, 736, 3669),
        template="a photo of a {}, a type of pet.", page=f"{VGG}/pets/", licence="CC BY-SA 4.0",
        object_id="fa821d9f9e7d32fdf3640bf74fa7491ed04f37da", split_size=724_217,
        archive=Source(f"{VGG}/pets/data/images.tar.gz", "images.tar.gz", 791_918_971,
                       "sha256:67195c5e1c01f1ab5f9b6a5d22b8c27a580d896ece458917e61d459337fa318d"),
    ),
    _split_set(
        "stanford_cars", "StanfordCars", "stanford_cars", ".", "StanfordCars", 196, (6509, 1635, 8041),
        page="https://github.com/pytorch/vision/issues/7545",
        object_id="dcdb8264712e9940e74cfb0f06ddb8f9cc239b81", split_size=1_855_652,
        by_hand="""The authors' addresses are gone. {page} says where the archives can be had.
Unpack them so that '{folder}' holds cars_train/ and cars_test/ with 00001.jpg and so on in them.""",
    ),
    _split_set(
        "oxford_flowers", "Flowers102", "oxford_flowers", "jpg", "OxfordFlowers", 102, (4093, 1633, 2463),
        template="a photo of a {}, a type of flower.", page=f"{VGG}/flowers/102/",
        object_id="8d10037b0690b6c65e307a354b039efb0f42404c", split_size=771_139,
        archive=Source(f"{VGG}/flowers/102/102flowers.tgz", "102flowers.tgz", 344_862_509,
                       "sha256:2d01ecc807db462958cfe3d92f57a8c252b4abd240eb955770201e45f783b246"),
    ),
    _split_set(
        "food101", "Food101", "food-101", "images", "Food101", 101, (50_500, 20_200, 30_300),
        template="a photo of {}, a type of food.", page="https://data.vision.ee.ethz.ch/cvl/datasets_extra/food-101/",
        licence="pictures of Foodspotting's users: scientific fair use",
        object_id="39557040ee6501bd32aa8b5dfd75f7941a32f0a7",
        archive=Source("http://data.vision.ee.ethz.ch/cvl/food-101.tar.gz", "food-101.tar.gz", 4_996_278_331,
                       "sha256:d97d15e438b7f4498f96086a4f7e2fa42a32f2712e87d3295441b2b6314053a4", prefix="food-101/"),
    ),
    DataSet(
        "fgvc_aircraft", "FGVC-Aircraft", "fgvc_aircraft", "images", read_aircraft, "variants.txt", 100,
        (3334, 3333, 3333), page=f"{VGG}/fgvc-aircraft/",
        licence="non-commercial research; the photographers keep their rights",
        template="a photo of a {}, a type of aircraft.", eleven=True,
        sources=(Source(f"{VGG}/fgvc-aircraft/archives/fgvc-aircraft-2013b.tar.gz", "fgvc-aircraft-2013b.tar.gz",
                        prefix="fgvc-aircraft-2013b/data/"),),
    ),
    _split_set(
        "sun397", "SUN397", "sun397", "SUN397", "SUN397", 397, (15_880, 3970, 19_850),
        page="https://vision.princeton.edu/projects/2010/SUN/", object_id="8d5725db8f70bcf02245665304f863e68f96a24c",
        archive=Source("http://vision.princeton.edu/projects/2010/SUN/SUN397.tar.gz", "SUN397.tar.gz", 39_077_296_924,
                       "sha256:f404130965a7ad77bed5ececc71e720ab50f3cc1e1bb257257610d38f3b928ec"),
    ),
    _split_set(
        "dtd", "DTD", "dtd", "images", "DescribableTextures", 47, (2820, 1128, 1692), template="{} texture.",
        page=f"{VGG}/dtd/", object_id="8dd197a94b598fa44ee3c9e35c486dd017ab00a7", split_size=563_702,
        archive=Source(f"{VGG}/dtd/download/dtd-r1.0.1.tar.gz", "dtd-r1.0.1.tar.gz", 625_239_812,
                       "sha256:e42855a52a4950a3b59612834602aa253914755c95b0cff9ead6d07395f8e205", prefix="dtd/"),
    ),
    _split_set(
        "eurosat", "EuroSAT", "eurosat", "2750", "EuroSAT", 10, (13_500, 5400, 8100),
        template="a centered satellite photo of {}.", page="https://github.com/phelber/EuroSAT",
        licence="MIT; Copernicus Sentinel's terms", object_id="6bdc847a5d5c49dcc78e8cb8707b87198cbfa5a4",
        split_size=3_006_492,
        archive=Source("https://huggingface.co/datasets/torchgeo/eurosat/resolve/"
                       "c877bcd43f099cd0196738f714544e355477f3fd/EuroSAT.zip", "EuroSAT.zip", 94_280_567,
                       "sha256:8ebea626349354c5328b142b96d0430e647051f26efc2dc974c843f25ecf70bd"),
    ),
    _split_set(
        "ucf101", "UCF101", "ucf101", "UCF-101-midframes", "UCF101", 101, (7639, 1898, 3783),
        template="a photo of a person doing {}.", page="https://www.crcv.ucf.edu/data/UCF101.php",
        object_id="ea87e3de7b4f6f00fdd77618e34a23508b4c5590", split_size=1_557_485,
        archive=Source(drive("10Jqome3vtUA2keJkNanAiFpgbyC9Hc2O"), "UCF-101-midframes.zip"),
    ),
)
# fmt: on
