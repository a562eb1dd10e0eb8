"""Retrieval: texts find images and images find texts by cosine similarity in the joint space (CLIP, ICML 2021).

Ties keep the order of what is searched, so results do not change from run to run, and a model that finds everything
equally similar gets chance, not 100 %.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd
import torch
from torch import Tensor

from lessons_lib.features import image_features

if TYPE_CHECKING:
    from lessons_lib.clip import Clip
    from lessons_lib.data import Split


class Ranking(NamedTuple):
    """The k best matches of Q queries, best first."""

    indices: Tensor  # (Q, k) long, positions in what was searched
    scores: Tensor  # (Q, k) cosine similarities, -1 to 1


def rank(queries: Tensor, gallery: Tensor, k: int = 5) -> Ranking:
    """queries: (Q, D), gallery: (N, D), L2-normalised. Returns the k best of the gallery for each query.

    Raises ValueError where the widths differ, or where k is not between 1 and N.
    """
    if queries.ndim != 2 or gallery.ndim != 2 or queries.shape[1] != gallery.shape[1]:
        raise ValueError(
            f"queries (Q, D) and gallery (N, D) must share their width; got {tuple(queries.shape)} "
            f"and {tuple(gallery.shape)}"
        )
    if not 1 <= k <= len(gallery):
        raise ValueError(f"k={k} matches cannot be taken from {len(gallery)}: choose k from 1 to {len(gallery)}")
    scores, indices = (queries @ gallery.T).sort(dim=1, descending=True, stable=True)  # (Q, N)
    return Ranking(indices[:, :k], scores[:, :k])


def text_to_image(clip: "Clip", texts: str | Sequence[str], images: "Split | Tensor", k: int = 5) -> Ranking:
    """The k images that match each text best. images: a split, or preprocessed (N, 3, H, W) float."""
    return rank(clip.encode_texts(_list(texts)), _image_features(clip, images), k)


def image_to_text(clip: "Clip", images: "Split | Tensor", texts: str | Sequence[str], k: int = 5) -> Ranking:
    """The k texts that match each image best. images: a split, or preprocessed (N, 3, H, W) float."""
    return rank(_image_features(clip, images), clip.encode_texts(_list(texts)), k)


def neighbours(clip: "Clip", images: "Split | Tensor", which: Sequence[int], k: int = 5) -> Ranking:
    """For each of the images numbered `which`, the k others that lie nearest. images: as in `text_to_image`; clip: also
    a trunk (`pretrain.trunk`). Raises ValueError where k is not between 1 and N − 1, or there is no such image."""
    features = _image_features(clip, images)  # (N, D)
    if not 1 <= k < len(features) or not all(0 <= i < len(features) for i in which):
        raise ValueError(
            f"images are numbered from 0 to {len(features) - 1}, and have so many others: got {which}, {k=}"
        )
    rows = torch.as_tensor(which, dtype=torch.long, device=features.device)
    scores = features[rows] @ features.T  # (Q, N)
    scores[torch.arange(len(rows)), rows] = -torch.inf  # not itself
    scores, indices = scores.sort(dim=1, descending=True, stable=True)
    return Ranking(indices[:, :k], scores[:, :k])


def recall_at_k(
    image_features: Tensor,
    text_features: Tensor,
    ks: Sequence[int] = (1, 5, 10),
    *,
    image_of_text: Tensor | None = None,
) -> pd.DataFrame:
    """How often what belongs to the query is among its k best matches, in percent, 0 to 100.

    image_features: (N, D), text_features: (M, D), L2-normalised.
    image_of_text: (M,) long, the image that each text describes; None where text i describes image i.
    An image counts as found by any one of its texts. Returns a table: a row a direction, a column for each k.
    Raises ValueError where the pairs do not match up, an image has no text, or a k is below 1.
    """
    n_images, n_texts = len(image_features), len(text_features)
    if image_of_text is None:
        if n_images != n_texts:
            raise ValueError(
                f"{n_images} images and {n_texts} texts are not pairs: give image_of_text, (M,) long, the position of "
                "the image that each text describes"
            )
        image_of_text = torch.arange(n_texts)
    image_of_text = torch.as_tensor(image_of_text, device=image_features.device)  # (M,)
    if image_of_text.shape != (n_texts,):
        raise ValueError(f"image_of_text must have one entry for each of the {n_texts} texts; got {len(image_of_text)}")
    odd = set(image_of_text.tolist()) ^ set(range(n_images))  # images without a text, and texts without an image
    if odd:
        problem = f"image {min(odd)} has no text" if min(odd) in range(n_images) else f"there is no image {min(odd)}"
        raise ValueError(f"{problem}: image_of_text must name each of the {n_images} images at least once, from 0 on")
    if not ks or min(ks) < 1:
        raise ValueError(f"ks must be numbers of matches of at least 1; got {list(ks)}")

    deepest = max(ks)
    found = rank(text_features, image_features, min(deepest, n_images)).indices  # (M, k)
    by_text = found == image_of_text[:, None]  # (M, k)
    found = rank(image_features, text_features, min(deepest, n_texts)).indices  # (N, k)
    by_image = image_of_text[found] == torch.arange(n_images, device=found.device)[:, None]  # (N, k)
    rows = {"text to image": by_text, "image to text": by_image}
    columns = {f"R@{k}": [100 * hits[:, :k].any(dim=1).double().mean().item() for hits in rows.values()] for k in ks}
    return pd.DataFrame(columns, index=list(rows))


def _image_features(clip: "Clip", images: "Split | Tensor") -> Tensor:
    return clip.encode_images(images) if isinstance(images, Tensor) else image_features(clip, images)


def _list(texts: str | Sequence[str]) -> list[str]:
    return [texts] if isinstance(texts, str) else list(texts)
