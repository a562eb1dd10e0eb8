"""Checks of lesson 15's exercises: NT-Xent, the joint loss, epochs of equal compute."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from lessons_lib.pretrain.losses import clip_loss
from lessons_lib.pretrain.slip import nt_xent as published
from lessons_lib.teaching.checks import answer_of, explain, require, right, same, same_gradients, watching


def _unit(*shape: int, seed: int) -> Tensor:
    return F.normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=-1)


def nt_xent(student: Callable) -> None:
    """`nt_xent(a, b, temperature)` -> the mean over 2N views of −log the share of the other view of its picture."""
    name = "nt_xent"
    for n, width, temperature, seed in ((4, 6, 0.1, 0), (7, 5, 0.5, 1), (2, 8, 0.07, 2)):
        a, b = (
            _unit(n, width, seed=seed),
            F.normalize(_unit(n, width, seed=seed) + 0.5 * _unit(n, width, seed=seed + 9)),
        )
        got, expected = answer_of(student, a, b, temperature, name=name), published(a, b, temperature)
        z, own = torch.cat([a, b]), torch.arange(n)
        sims, diagonal = z @ z.T, torch.eye(2 * n, dtype=torch.bool)
        other = torch.cat([own + n, own])
        masked = sims.masked_fill(diagonal, -math.inf) / temperature
        one_way = F.cross_entropy(masked[:n], other[:n])
        clips = (a @ b.T) / temperature
        mistakes = {
            "each view is compared with itself, too: nothing is more alike. Leave the diagonal out (−∞ before the "
            "softmax).": F.cross_entropy(sims / temperature, other),
            "a zero on the diagonal is no mask: exp(0) is 1. Fill in −∞.":
                F.cross_entropy(sims.masked_fill(diagonal, 0) / temperature, other),
            "the temperature is missing: divide the cosines by it.": F.cross_entropy(masked * temperature, other),
            "cosines are divided by the temperature, not multiplied.":
                F.cross_entropy(masked * temperature * temperature, other),
            "only the views of `a` look for their other. Those of `b` do, too: the mean is over all 2N.": one_way,
            "that is the sum over the views. The loss is their mean.":
                F.cross_entropy(masked, other, reduction="sum"),
            "that is CLIP's loss of a and b: it has no pairs within a, nor within b, to tell apart.":
                (F.cross_entropy(clips, own) + F.cross_entropy(clips.T, own)) / 2,
            "that is one way of CLIP's loss: a view of `a` has to be told from the other views of `a`, too.":
                F.cross_entropy(clips, own),
            "the two ways are added. Take the mean over all 2N views.": 2 * F.cross_entropy(masked, other),
            "each view is told to find itself. Its answer is the other view: i + N, or i − N.":
                F.cross_entropy(sims / temperature, torch.arange(2 * n)),
        }  # fmt: skip
        explain(got, expected, mistakes, name=f"nt_xent of {n} pictures")
        same(got, expected, name=f"nt_xent of {n} pictures")
        same_gradients(student, published, a, b, temperature, name=name, learned=(0, 1))
    right("nt_xent: which of 2N − 1 other views is of the same picture? Nobody had to say what it shows.")


class Towers:
    """Stands in for `SLIPTowers`: one product each, whose answers tell which view was given."""

    def __init__(self, image: Tensor, text: Tensor, head: Tensor, scale: Tensor):
        self.image, self.text, self.head, self.scale = image, text, head, scale

    def contrast(self, images: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        f = F.normalize(images.flatten(1) @ self.image, dim=1)
        return f, F.normalize(tokens.float() @ self.text, dim=1), self.scale

    def pair(self, views: Tensor) -> tuple[Tensor, Tensor]:
        a, b = (F.normalize(views[:, k].flatten(1) @ self.head, dim=1) for k in (-2, -1))
        return a, b


def _joined(image: Tensor, text: Tensor, head: Tensor, scale: Tensor, views: Tensor, tokens: Tensor, weight: float):
    towers = Towers(image, text, head, scale)
    return clip_loss(*towers.contrast(views[:, 0], tokens)) + weight * published(*towers.pair(views))


@watching
def joint(student: Callable) -> None:
    """`joint(towers, views, tokens, weight)` -> CLIP's loss of the first view and the captions + weight · NT-Xent."""
    name = "joint"
    for n, weight, seed in ((5, 1.0, 0), (4, 0.5, 1), (6, 0.0, 2), (3, 2.0, 3)):
        draw = torch.Generator().manual_seed(seed)
        views = torch.randn(n, 3, 3, 2, 2, generator=draw)
        tokens = torch.randint(1, 9, (n, 7), generator=draw)
        weights = [torch.randn(*shape, generator=draw) for shape in ((12, 5), (7, 5), (12, 4))]
        weights.append(torch.tensor(9.0 + seed))

        def own(*learned, views=views, tokens=tokens, weight=weight):
            return student(Towers(*learned), views, tokens, weight)

        def theirs(*learned, views=views, tokens=tokens, weight=weight):
            return _joined(*learned, views, tokens, weight)

        got, expected = answer_of(own, *weights, name=name), theirs(*weights)
        towers = Towers(*weights)
        f, w, scale = towers.contrast(views[:, 0], tokens)
        Z, pairs, pictures = scale * f @ w.T, torch.arange(n), published(*towers.pair(views))
        captions = clip_loss(f, w, scale)
        harder = clip_loss(*towers.contrast(views[:, 1], tokens))
        mistakes = {
            "`weight` is not used. It stands before the loss of the views.": captions + pictures,
            "`weight` stands before the captions' loss. It belongs to the views'.": weight * captions + pictures,
            "`weight` stands before both. CLIP's loss has weight 1.": weight * (captions + pictures),
            "that is CLIP's loss alone.": captions,
            "that is the loss of the views alone: captions teach, too.": weight * pictures,
            "captions go with the first view, views[:, 0], of which most is left; not with a view that was jittered.":
                harder + weight * pictures,
            "only pictures look for their captions. Captions look for their pictures, too (the transpose).":
                F.cross_entropy(Z, pairs) + weight * pictures,
            "CLIP's loss is the mean of its two ways, not their sum.": 2 * captions + weight * pictures,
            "the scale is missing: contrast gives it, to be multiplied with the cosines.":
                clip_loss(f, w, torch.ones(())) + weight * pictures,
            "the two losses are averaged. They are added.": (captions + weight * pictures) / 2,
            "NT-Xent takes the two views behind the head: towers.pair(views).":
                captions + weight * published(f, w),
        }  # fmt: skip
        said = f"joint, {n} pictures, weight {weight:g}"
        explain(got, expected, mistakes, name=said)
        same(got, expected, name=said)
        same_gradients(own, theirs, *weights, name=name, learned=(0, 1, 2, 3))
    right("joint: one trunk, three views, two questions. Their losses are added.")


def same_compute(student: Callable) -> None:
    """`same_compute(epochs, image, text, head)` -> epochs of CLIP that cost what SLIP's cost: whole ones."""
    for epochs, image, text, head in ((100, 5.0, 3.0, 1.0), (40, 7.0, 2.0, 0.5), (12, 172.0, 95.0, 1.2)):
        got = answer_of(student, epochs, image, text, head, name="same_compute")
        slip, clip = 3 * image + text + 2 * head, image + text
        expected = round(epochs * slip / clip)
        said = f"same_compute({epochs}, {image:g}, {text:g}, {head:g})"
        wrong = {
            2 * image + text + 2 * head: "SLIP sees three views of a picture: the caption's, and two more.",
            3 * clip: "SLIP is not three times as expensive: the text tower reads each caption once, in both.",
            3 * image + text: "the head is missing: it sees two of the three views.",
            3 * image + text + 3 * head: "the caption's view does not pass the head: two do.",
            3 * image + 3 * text + 2 * head: "a caption is read once, not once a view.",
        }  # fmt: skip
        wrong = {round(epochs * cost / clip): hint for cost, hint in wrong.items()}
        wrong[round(epochs * clip / slip)] = "the wrong way round: CLIP is cheaper, so it gets more epochs."
        wrong[round(epochs * slip / (clip + 2 * head))] = "CLIP has no head."
        require(isinstance(got, int | float), f"`{said}` should be a number of epochs; it is {got!r}.")
        require(got == expected or round(got) not in wrong, f"`{said}`: {wrong.get(round(got))}")
        require(round(got) == expected, f"`{said}`: expected {expected}, got {got}.")
        require(got == expected, f"`{said}`: whole epochs, please: round() it. Got {got}.")
    right("same_compute: the honest rival sees captions alone, and as much of them as SLIP's bill would buy.")
