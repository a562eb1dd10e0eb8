"""What GroupViT learns from pairs of a picture and its caption (Xu et al., CVPR 2022): CLIP's contrast, and one more
with the nouns of the caption, each said in a sentence of its own.

    L = L_contrast(f, w) + L_nouns(f, u)       f, w: (N, D) pictures and captions; u: (N, K, D) the nouns' sentences
    L_nouns = (CE(s' · f_i uᵀ over all N·K sentences, equal shares of 1/K on its own)
               + CE(s' · u_ik fᵀ over all N pictures, its own)) / 2            with a temperature of its own
A noun of two captions is, for each of the two pictures, one right answer and one wrong one.
"""

import math
import random
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lessons_lib.clip.grouping import GroupingCLIP
from lessons_lib.clip.text_tower import TextTower
from lessons_lib.pretrain.losses import clip_loss
from lessons_lib.templates import IMAGENET_80


def multi_label_loss(image_features: Tensor, noun_features: Tensor, logit_scale: Tensor | float) -> Tensor:
    """image_features: (N, D), noun_features: (N, K, D), both L2-normalised; logit_scale: the exponentiated scale.
    Returns a scalar; with K = 1 it is `clip_loss`. Raises ValueError for other shapes."""
    n, d = image_features.shape if image_features.ndim == 2 else (-1, -1)
    if noun_features.ndim != 3 or (len(noun_features), noun_features.shape[-1]) != (n, d):
        raise ValueError(
            f"multi_label_loss needs image features (N, D) and noun features (N, K, D); got "
            f"{tuple(image_features.shape)} and {tuple(noun_features.shape)}"
        )
    k = noun_features.shape[1]
    logits = logit_scale * image_features @ noun_features.flatten(0, 1).T  # (N, N · K)
    owner = torch.arange(n, device=logits.device).repeat_interleave(k)  # (N · K,)
    shares = F.one_hot(owner, n).T.to(logits.dtype) / k  # (N, N · K), each row sums to 1
    return (F.cross_entropy(logits, shares) + F.cross_entropy(logits.T, owner)) / 2


def grouping_loss(f: Tensor, w: Tensor, scale: Tensor, nouns: Tensor, noun_scale: Tensor) -> Tensor:
    """Of what `GroupingTowers` gives; without nouns, K = 0, CLIP's contrast alone."""
    return clip_loss(f, w, scale) + (multi_label_loss(f, nouns, noun_scale) if nouns.shape[1] else 0.0)


class GroupingTowers(nn.Module):
    """Both towers as one module, for `loop.Run(make_towers=GroupingTowers, loss=grouping_loss)`."""

    def __init__(self, model: GroupingCLIP, groups: int = 4):
        super().__init__()
        self.model, self.groups = model, groups
        self._text = [TextTower(model)]  # in a list: it shares the model's parameters

    def encode_texts(self, tokens: Tensor) -> Tensor:
        """(N, L) -> (N, D), unit: the tower in groups of like length, the projection, which looks at the whole batch,
        at once."""
        text = self._text[0]
        order = text.end_positions(tokens).argsort()
        rows = torch.cat([text.encode_unprojected(part) for part in tokens[order].chunk(self.groups)])
        return F.normalize(text.project(rows[order.argsort()]).float(), dim=-1)

    def forward(self, images: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """images: (N, 3, S, S) normalised; tokens: (N, 1 + K, L), the caption first, then its nouns. Returns unit
        vectors (N, D) and (N, D), the scale, the nouns' unit vectors (N, K, D), and their scale."""
        f = F.normalize(self.model.encode_image(images).float(), dim=-1)
        w, nouns = self.encode_texts(tokens[:, 0]), tokens[:, 1:]  # (N, D), (N, K, L)
        u = self.encode_texts(nouns.flatten(0, 1)) if nouns.shape[1] else w[:0]
        u = u.view(*nouns.shape[:2], w.shape[-1])
        noun_scale = self.model.noun_logit_scale.clamp(0, math.log(100)).exp()
        return f, w, self.model.logit_scale.exp(), u, noun_scale


class WithNouns:
    """Pairs with the nouns of their captions, for `loop.PairStream(pairs.draw, pairs.tokenize, …)`.

    draw_pairs: (n, seed=…) -> (images, captions).   nouns_of: caption -> its nouns.   tokenizer: texts -> (n, L).
    k: nouns a caption, drawn from its own, each said by a template drawn from CLIP's 80; where there are fewer, the
        caption itself stands in.
    """

    def __init__(self, draw_pairs: Callable, nouns_of: Callable[[str], list[str]], tokenizer: Callable, k: int = 3):
        self.draw_pairs, self.nouns_of, self.tokenizer, self.k = draw_pairs, nouns_of, tokenizer, k

    def draw(self, n: int, *, seed: int | tuple[int, ...]) -> tuple[Tensor, list[list[str]]]:
        """(images (n, 3, H, W) uint8, n lists of 1 + k texts, the caption first); the same for the same seed."""
        images, captions = self.draw_pairs(n, seed=seed)
        chance = random.Random(repr(seed))
        return images, [[caption, *self.sentences(caption, chance)] for caption in captions]

    def sentences(self, caption: str, chance: random.Random) -> list[str]:
        """k texts."""
        found = self.nouns_of(caption)
        chosen = chance.sample(found, min(self.k, len(found)))
        said = [chance.choice(IMAGENET_80).replace("{}", noun) for noun in chosen]
        return said + [caption] * (self.k - len(said))

    def tokenize(self, texts: Sequence[Sequence[str]]) -> Tensor:
        """(n, 1 + k, L)."""
        return self.tokenizer([text for row in texts for text in row]).unflatten(0, (len(texts), -1))
