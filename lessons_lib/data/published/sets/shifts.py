"""ImageNet's classes under other conditions: test images alone, for what was fitted on ImageNet."""

from lessons_lib.data.published.readers import read_folders, read_numbered
from lessons_lib.data.published.record import CLASSNAMES, DataSet, Source, drive

HENDRYCKS = "https://people.eecs.berkeley.edu/~hendrycks"


def _shift(
    name: str, title: str, folder: str, images: str, classes: int, count: int, archive: Source, page: str, licence: str
) -> DataSet:
    read = read_numbered if name == "imagenetv2" else read_folders
    return DataSet(
        name, title, folder, images, read, "classnames.txt", classes, (0, 0, count), page, licence,
        sources=(CLASSNAMES, archive), shift_of="imagenet",
    )  # fmt: skip


# fmt: off
SETS = (
    _shift(
        "imagenetv2", "ImageNetV2", "imagenetv2", "imagenetv2-matched-frequency-format-val", 1000, 10_000,
        Source("https://huggingface.co/datasets/vaishaal/ImageNetV2/resolve/main/imagenetv2-matched-frequency.tar.gz",
               "imagenetv2-matched-frequency.tar.gz", 1_264_079_360,
               "sha256:f0c37fdf925916b19ea1323cd9a2208cdb6959ba2c32eef2a7fc393835c9ca7c"),
        "https://github.com/modestyachts/ImageNetV2", "that of each picture on Flickr (the code: MIT)",
    ),
    _shift(
        "imagenet_sketch", "ImageNet-Sketch", "imagenet-sketch", "images", 1000, 50_889,
        Source(drive("1Mj0i5HBthqH1p_yeXzsg22gZduvgoNeA"), "ImageNet-Sketch.zip", 7_593_573_012,
               "sha256:4d3ce6b82a7c48aabf14aeac105eb533e75707f152cc858f55bfc022031a72ed",
               prefix="sketch/", under="images"),
        "https://github.com/HaohanWang/ImageNet-Sketch", "not stated for the pictures (the code: MIT)",
    ),
    _shift(
        "imagenet_a", "ImageNet-A", "imagenet-adversarial", "imagenet-a", 200, 7500,
        Source(f"{HENDRYCKS}/imagenet-a.tar", "imagenet-a.tar", 687_552_512,
               "sha256:3bb3632277e6ba6392ea64c02ddbf4dd2266c9caffd6bc09c9656d28f012589e"),
        "https://github.com/hendrycks/natural-adv-examples", "the repository: MIT",
    ),
    _shift(
        "imagenet_r", "ImageNet-R", "imagenet-rendition", "imagenet-r", 200, 30_000,
        Source(f"{HENDRYCKS}/imagenet-r.tar", "imagenet-r.tar", 2_191_079_936,
               "sha256:18c6bf493b39a0d975d48e587437f562caab9c52ae6327dcfa9dd8eb54aa1b52"),
        "https://github.com/hendrycks/imagenet-r", "the repository: MIT",
    ),
)
# fmt: on
