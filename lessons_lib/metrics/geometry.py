"""How embeddings lie on the unit sphere, in numbers: before and after a method has moved them.

    alignment               how far images are from their own texts                     (Wang & Isola, ICML 2020)
    uniformity              how evenly embeddings fill the sphere                       (Wang & Isola, ICML 2020)
    inter_class_dispersion  how far apart the classes' texts are                        (what DAPT, ICCV 2023, raises)
    intra_class_variance    how wide each class's images are scattered                  (what DAPT lowers)
    modality_gap            how far the images' mean is from the texts'                 (Liang et al., NeurIPS 2022)
    describe                all of these of one classifier

All take embeddings as rows (N, D), L2-normalised, of any float type and on any device, and return numbers. ValueError
is raised for other shapes, rows of another length than 1, and too few rows.
"""

import math

import torch
from torch import Tensor

CHUNK = 1024  # rows that are compared with all others at once


def alignment(x: Tensor, y: Tensor, *, power: float = 2.0) -> float:
    """Mean of ‖x_i − y_i‖^power over pairs that belong together: 0 where all agree, at most 2^power.

    x, y: (N, D) each, row i of one with row i of the other, such as images and the texts of their classes,
    `texts[labels]`.
    """
    x, y = _rows(x, "x"), _rows(y, "y")
    if x.shape != y.shape:
        raise ValueError(f"alignment needs pairs, (N, D) and (N, D); got {tuple(x.shape)} and {tuple(y.shape)}")
    return (x - y).norm(dim=-1).pow(power).mean().item()


def uniformity(x: Tensor, *, t: float = 2.0) -> float:
    """log mean exp(−t ‖x_i − x_j‖²) over pairs i ≠ j: 0 where all rows agree, and the lower the more evenly they lie.

    x: (N, D), at least 2 rows. Two opposite rows have −4 t, the least there is; rows spread evenly over a sphere of
    many dimensions come near −2 t.
    """
    x = _rows(x, "x", least=2)
    logs = [_off_diagonal(part, start, t) for start, part in _squared_distances(x)]
    return (torch.stack(logs).logsumexp(dim=0) - math.log(len(x) * (len(x) - 1))).item()


def inter_class_dispersion(texts: Tensor) -> float:
    """Mean of ‖w_m − w_n‖² over pairs of classes m ≠ n: 0 where all texts agree, at most 2 C / (C − 1).

    texts: (C, D), one embedding a class, at least 2. The most is reached where they are a regular simplex; classes at
    right angles have 2.
    """
    texts = _rows(texts, "texts", least=2)
    count = len(texts)
    mean = texts.mean(dim=0)
    return (2 * count / (count - 1) * (1 - mean @ mean)).clamp(min=0).item()  # Σ_mn ‖w_m − w_n‖² = 2 C² (1 − ‖mean‖²)


def intra_class_variance(images: Tensor, labels: Tensor) -> float:
    """Mean of ‖z_i − mean of its class‖² over a class's images, then over classes: 0 to 1.

    images: (N, D).   labels: (N,) whole numbers; each class counts alike, however many images it has.
    A class's own few images are nearer to their mean than others would be: with n of them the expected value is
    (n − 1) / n of that with many, so compare splits with as many images a class.
    """
    images = _rows(images, "images")
    labels = torch.as_tensor(labels).cpu()
    if labels.shape != (len(images),):
        raise ValueError(f"{len(images)} images need as many labels; got labels of shape {tuple(labels.shape)}")
    variances = [(of_class - of_class.mean(dim=0)).square().sum(dim=-1).mean()
                 for of_class in (images[labels == c] for c in labels.unique())]  # fmt: skip
    return torch.stack(variances).mean().item()


def gap_vector(images: Tensor, texts: Tensor) -> Tensor:
    """(D,) float64, on the CPU: from the texts' mean to the images' mean.   images: (N, D).   texts: (M, D)."""
    images, texts = _rows(images, "images"), _rows(texts, "texts")
    if images.shape[1] != texts.shape[1]:
        raise ValueError(f"images have {images.shape[1]} dimensions and texts {texts.shape[1]}: use one CLIP for both")
    return images.mean(dim=0) - texts.mean(dim=0)


def modality_gap(images: Tensor, texts: Tensor) -> float:
    """The length of `gap_vector`: 0 where the two means agree, at most 2."""
    return gap_vector(images, texts).norm().item()


def describe(images: Tensor, labels: Tensor, texts: Tensor) -> dict[str, float]:
    """All of them for a classifier's texts (C, D) and images (N, D) with labels (N,) that number the texts.

    Keys: alignment (of images and their own texts), uniformity of images, uniformity of texts, inter_class_dispersion,
    intra_class_variance, modality_gap.
    """
    labels, texts = torch.as_tensor(labels).cpu(), texts.cpu()
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < len(texts):
        raise ValueError(
            f"labels run from {int(labels.min())} to {int(labels.max())}, but there are {len(texts)} texts"
        )
    if labels.shape != (len(images),):
        raise ValueError(f"{len(images)} images need as many labels; got labels of shape {tuple(labels.shape)}")
    return {
        "alignment": alignment(images, texts[labels]),
        "uniformity of images": uniformity(images),
        "uniformity of texts": uniformity(texts),
        "inter_class_dispersion": inter_class_dispersion(texts),
        "intra_class_variance": intra_class_variance(images, labels),
        "modality_gap": modality_gap(images, texts),
    }


def _rows(x: Tensor, name: str, least: int = 1) -> Tensor:
    """On the CPU in float64, so that what a method moved is not rounding."""
    if x.ndim != 2 or len(x) < least:
        raise ValueError(f"{name} must be (N, D) with at least {least} row{'s' * (least > 1)}; got {tuple(x.shape)}")
    x = x.detach().cpu().double()
    lengths = x.norm(dim=-1)
    if not ((lengths - 1).abs() < 0.02).all():  # bfloat16 rounds to a few thousandths
        raise ValueError(
            f"{name} must be L2-normalised, rows of length 1; theirs run from {lengths.min():.3g} to "
            f"{lengths.max():.3g}: use torch.nn.functional.normalize"
        )
    return x / lengths[:, None]


def _squared_distances(x: Tensor):
    """For each chunk of rows: the first one's number, and (n, N) squared distances to all rows."""
    for start in range(0, len(x), CHUNK):
        yield start, (2 - 2 * x[start : start + CHUNK] @ x.T).clamp(min=0)


def _off_diagonal(distances: Tensor, start: int, t: float) -> Tensor:
    """The log of the sum of exp(−t d²) over all but each row's own."""
    own = torch.arange(len(distances), device=distances.device)
    logs = -t * distances
    logs[own, own + start] = -torch.inf
    return logs.flatten().logsumexp(dim=0)
