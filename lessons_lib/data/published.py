"""The fifteen data sets of the prompt-learning literature: what each is called, where it lies, how it is split.

Folders and files are those of CoOp (Zhou et al., IJCV 2022), which the field already has on its disks:
DATA/eurosat/2750, DATA/eurosat/split_zhou_EuroSAT.json, and so on. A set's name is the one in CoOp's configurations.
"""

import os
from dataclasses import dataclass
from pathlib import Path

ROOT_VARIABLE = "LESSONS_DATA"
PHOTO = "a photo of a {}."


@dataclass(frozen=True)
class Published:
    """One data set.

    kind: how it says what belongs to which split, a key of `READERS` in published_readers.
    sizes: (train, val, test) images as published, to compare with.
    listing: the file that names the images or the classes.
    """

    title: str
    folder: str  # under the root
    images: str  # under the folder
    kind: str
    listing: str
    classes: int
    sizes: tuple[int, int, int]
    template: str = PHOTO

    @property
    def only_tests(self) -> bool:
        """ImageNet's shifts: there is nothing to train on."""
        return self.sizes[0] == 0


def _split(title: str, folder: str, images: str, name: str, classes: int, sizes: tuple, template: str = PHOTO):
    return Published(title, folder, images, "split", f"split_zhou_{name}.json", classes, sizes, template)


def _shift(title: str, folder: str, images: str, kind: str, classes: int, count: int):
    return Published(title, folder, images, kind, "classnames.txt", classes, (0, 0, count))


# fmt: off
PUBLISHED: dict[str, Published] = {
    "imagenet": Published("ImageNet", "imagenet", "images", "imagenet", "classnames.txt", 1000, (1_281_167, 0, 50_000)),
    "caltech101": _split("Caltech101", "caltech-101", "101_ObjectCategories", "Caltech101", 100, (4128, 1649, 2465)),
    "oxford_pets": _split("OxfordPets", "oxford_pets", "images", "OxfordPets", 37, (2944, 736, 3669),
                          "a photo of a {}, a type of pet."),
    "stanford_cars": _split("StanfordCars", "stanford_cars", ".", "StanfordCars", 196, (6509, 1635, 8041)),
    "oxford_flowers": _split("Flowers102", "oxford_flowers", "jpg", "OxfordFlowers", 102, (4093, 1633, 2463),
                             "a photo of a {}, a type of flower."),
    "food101": _split("Food101", "food-101", "images", "Food101", 101, (50_500, 20_200, 30_300),
                      "a photo of {}, a type of food."),
    "fgvc_aircraft": Published("FGVC-Aircraft", "fgvc_aircraft", "images", "aircraft", "variants.txt", 100,
                               (3334, 3333, 3333), "a photo of a {}, a type of aircraft."),
    "sun397": _split("SUN397", "sun397", "SUN397", "SUN397", 397, (15_880, 3970, 19_850)),
    "dtd": _split("DTD", "dtd", "images", "DescribableTextures", 47, (2820, 1128, 1692), "{} texture."),
    "eurosat": _split("EuroSAT", "eurosat", "2750", "EuroSAT", 10, (13_500, 5400, 8100),
                      "a centered satellite photo of {}."),
    "ucf101": _split("UCF101", "ucf101", "UCF-101-midframes", "UCF101", 101, (7639, 1898, 3783),
                     "a photo of a person doing {}."),
    "imagenetv2": _shift("ImageNetV2", "imagenetv2", "imagenetv2-matched-frequency-format-val", "numbered", 1000,
                         10_000),
    "imagenet_sketch": _shift("ImageNet-Sketch", "imagenet-sketch", "images", "folders", 1000, 50_889),
    "imagenet_a": _shift("ImageNet-A", "imagenet-adversarial", "imagenet-a", "folders", 200, 7500),
    "imagenet_r": _shift("ImageNet-R", "imagenet-rendition", "imagenet-r", "folders", 200, 30_000),
}
# fmt: on
TITLES = {spec.title.lower(): name for name, spec in PUBLISHED.items()}  # what people call them, to suggest the name


def data_root(name: str, root: str | os.PathLike | None) -> Path:
    """The folder above a set's own: the one given, or $LESSONS_DATA.

    Raises ValueError where neither says it, FileNotFoundError where it, or the set's folder in it, is not there.
    """
    spec = PUBLISHED[name]
    chosen = root if root is not None else os.environ.get(ROOT_VARIABLE)
    if not chosen:
        raise ValueError(
            f"where is {spec.title}? Give root=, the folder that holds '{spec.folder}/', or set {ROOT_VARIABLE} to it. "
            f"{how_to_get(name)} (A folder of your own photos with this name is './{name}'.)"
        )
    folder = Path(chosen).expanduser().absolute()
    source = "root" if root is not None else ROOT_VARIABLE
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder '{folder}' ({source}). {how_to_get(name)}")
    if not (folder / spec.folder).is_dir():
        inside = folder.name == spec.folder or (folder / spec.listing).exists()
        advice = f"Give the folder above: '{folder.parent}'." if inside else how_to_get(name, folder)
        raise FileNotFoundError(f"'{folder}' ({source}) has no folder '{spec.folder}/' with {spec.title}. {advice}")
    return folder


def how_to_get(name: str, root: Path | None = None) -> str:
    where = f" --root '{root}'" if root else ""
    return f"To get it: python data_scripts/fetch/download_datasets.py {name}{where} (docs/datasets.md says more)."
