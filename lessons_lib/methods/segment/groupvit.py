"""GroupViT (Xu et al., "GroupViT: Semantic Segmentation Emerges from Text Supervision", CVPR 2022): groups of patches
that pre-training on captions alone has made, named by the text tower.

    M = A_n … A_1, the soft shares of every grouping               (G, patches): how much of a patch is in which group
    p_g = softmax_c(s · e_g · w_c) · softmax_c(s · e_g · w_c, over the picture's 5 likeliest classes alone)
a pixel, of the group whose M, bilinear between the patches, is largest there, has that group's p_g; and is background
where max_c p_gc < min(t, max over the picture's groups of p), with t = 0.95.             (e_g, w_c: unit vectors)
Background is no text: "background" among the class names is what the threshold leaves.

The model is a CLIP of its own (`lessons_lib.clip.grouping`), pre-trained as `lessons_lib.pretrain.grouping` says, by
`data_scripts/pretraining/pretrain_groupvit.py`. Nothing is learned here.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from lessons_lib.clip.blocks import unit
from lessons_lib.clip.grouping import GroupingTower
from lessons_lib.data.targets import BACKGROUND
from lessons_lib.device import autocast
from lessons_lib.methods.parts.cost import AT_LEAST, FORWARD, Sizes
from lessons_lib.methods.parts.starts import check_whole
from lessons_lib.methods.parts.texts import mean_texts_of, some_templates
from lessons_lib.methods.segmenter import Segmenter
from lessons_lib.suggest import nearest
from lessons_lib.templates import check_classnames

if TYPE_CHECKING:
    from lessons_lib.clip import Clip
    from lessons_lib.data import Task

MAPS = ("soft", "hard")


class Named(NamedTuple):
    """maps: (N, G, h, w), how much of each patch is in which group.   scores: (N, G, K), p of every thing."""

    maps: Tensor
    scores: Tensor


def probabilities(of_groups: Tensor, of_picture: Tensor, top: int = 5) -> Tensor:
    """Logits of groups (N, G, K) and of whole pictures (N, K) -> p, (N, G, K)."""
    likeliest = of_picture.topk(min(top, of_picture.shape[-1])).indices  # (N, top)
    absent = torch.ones_like(of_picture, dtype=torch.bool).scatter(1, likeliest, False)
    among = of_groups.masked_fill(absent[:, None], float("-inf")).softmax(dim=-1)  # 0 where absent
    return of_groups.softmax(dim=-1) * among


class GroupViT(Segmenter):
    """Names the groups that a pre-trained GroupViT makes of a picture; `fit` only takes the task's names and template.

    threshold: t, 0 to 1; the paper's 0.95 for PASCAL VOC and COCO, 0.35 for PASCAL Context. Matters where "background"
        is among the classes.   top: how many of the picture's likeliest classes may be there.
    maps: "soft", as published, or "hard", the product of the choices made.
    templates: None for the task's default; one; several, whose mean speaks; or "imagenet80", "imagenet7".
    Raises ValueError for settings that are impossible; `fit` and `for_classes` for a CLIP whose tower makes no groups.

    texts: (K, D), of the classes but the background, L2-normalised.
    """

    IN_PAPER = ("threshold", "templates")

    def __init__(
        self,
        clip: "Clip",
        threshold: float = 0.95,
        *,
        top: int = 5,
        maps: str = "soft",
        templates: str | list[str] | None = None,
    ):
        super().__init__(clip)
        if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not 0 <= threshold <= 1:
            raise ValueError(f"threshold={threshold!r}: give a number from 0 to 1")
        if maps not in MAPS:
            raise ValueError(f"maps={maps!r}: use one of {MAPS}. {nearest(str(maps), MAPS)}".strip())
        check_whole("top", top, "how many classes a picture may show, at least 1", 1)
        self.threshold, self.top, self.maps, self.templates = threshold, top, maps, some_templates(templates)
        self.register_buffer("texts", None, persistent=False)  # (K, D)

    def check_groups(self) -> None:
        """Raises ValueError, naming the model, where its image tower makes no groups."""
        visual = self.clip.model.visual
        if not isinstance(visual, GroupingTower):
            raise ValueError(
                f"the image tower of {self.clip.name} is a {type(visual).__name__}, which makes no groups: GroupViT is "
                "a CLIP of its own. Pre-train one (data_scripts/pretraining/pretrain_groupvit.py), and load it as "
                "load_clip('local-dir:its/folder')"
            )

    def check_task(self, task: "Task") -> None:
        super().check_task(task)
        self.check_groups()

    def set_classes(self, classnames: Iterable[str]) -> None:
        self.check_groups()
        names = check_classnames(classnames)
        things = [name for name in names if name != BACKGROUND]
        if not things:
            raise ValueError(f"{BACKGROUND!r} is what shows none of the classes: name at least one more")
        self.texts = mean_texts_of(self.clip, things, self.templates or [self.task_template])
        super().set_classes(names)

    def fit(self, task: "Task") -> "GroupViT":
        """Takes the class names, and the default template, of the task. Returns self."""
        self.check_task(task)
        self.begin(task)
        return self.eval()

    def cost(self, sizes: Sizes) -> float | None:
        return AT_LEAST + sizes.tested / FORWARD if sizes.known else None

    @property
    def patch(self) -> int:
        return self.clip.model.visual.patch_size[0]

    @torch.no_grad()
    def named_groups(self, images: Tensor) -> Named:
        """images: (n, 3, S, S) preprocessed."""
        visual, scale = self.clip.model.visual, self.clip.logit_scale
        with autocast(self.clip.device, self.clip.precision):
            groups = visual.groups(images.to(self.clip.device))
            of_groups = unit(visual.projection(groups.tokens))  # (n, G, D)
            of_picture = unit(visual.projection(groups.tokens.mean(dim=1)))  # (n, D)
        maps = None
        for shares in groups.soft if self.maps == "soft" else groups.hard:
            maps = shares if maps is None else shares @ maps  # (n, G, patches)
        logits = scale * of_groups @ self.texts.T  # (n, G, K)
        p = probabilities(logits, scale * of_picture @ self.texts.T, self.top)
        return Named(maps.unflatten(2, visual.grid_size), p)

    def at_pixels(self, images: Tensor) -> Tensor:
        """images: (n, 3, S, S) preprocessed -> (n, C, S, S): p of each pixel's group; of the background, just below
        what a thing needs, so that the largest value is the answer."""
        maps, scores = self.named_groups(images)
        maps = F.interpolate(maps, size=images.shape[-2:], mode="bilinear", align_corners=False)
        mine = maps.argmax(dim=1).flatten(1)  # (n, S · S)
        found = scores.gather(1, mine[..., None].expand(-1, -1, scores.shape[2]))  # (n, S · S, K)
        found = found.transpose(1, 2).unflatten(2, images.shape[-2:])  # (n, K, S, S)
        if BACKGROUND not in self.classnames:
            return found
        needed = scores.amax(dim=(1, 2)).clamp(max=self.threshold)  # (n,) min(t, max)
        below = torch.nextafter(needed, torch.full_like(needed, -1.0))[:, None, None, None].expand_as(found[:, :1])
        place = self.classnames.index(BACKGROUND)
        return torch.cat([found[:, :place], below, found[:, place:]], dim=1)
