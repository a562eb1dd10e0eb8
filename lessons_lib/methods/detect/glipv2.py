"""GLIPv2 (Zhang et al., "GLIPv2: Unifying Localization and Vision-Language Understanding", NeurIPS 2022): GLIP with a
contrast between the pictures of a batch, and masks in its boxes.

    L = L_GLIP + w · L_inter           regions of all pictures × words of all prompts    `parts.region_word_contrast`
    a box's mask: a head on what was looked at and read, learned last, while all else stays    `parts.mask_head`
L_inter makes every prompt of a batch a negative for every picture, where GLIP's words are only ever compared with their
own. Its masked-word prediction, and its questions and captions, are left out.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from lessons_lib.methods.detect.glip import GLIP
from lessons_lib.methods.detector import Detections
from lessons_lib.methods.parts.grounded_inputs import GroundedInputs, Seen
from lessons_lib.methods.parts.mask_head import MaskHead, check_masks, mask_loss, pasted, resized
from lessons_lib.methods.parts.pyramid import flat
from lessons_lib.methods.parts.region_word_contrast import RegionWordContrast, contrast_both_ways, fits
from lessons_lib.training import train

if TYPE_CHECKING:
    from lessons_lib.clip import Clip
    from lessons_lib.data import Split


class GLIPv2(GLIP):
    """contrast: w, of L_inter; 0 leaves GLIP's loss.   Else as `GLIP`. `fit_masks`, behind `fit`, learns masks."""

    def __init__(
        self,
        clip: "Clip",
        fusion: bool = True,
        *,
        contrast: float = 1.0,
        layers: int = 3,
        text_layers: int = 2,
        context_length: int = 48,
        anchor: float = 4.0,
        flip: bool = True,
        image_size: int = 128,
        width: int = 64,
    ):
        if not contrast >= 0:
            raise ValueError(f"contrast={contrast!r}: give a weight, at least 0")
        super().__init__(
            clip,
            fusion,
            layers=layers,
            text_layers=text_layers,
            context_length=context_length,
            anchor=anchor,
            flip=flip,
            image_size=image_size,
            width=width,
        )
        self.contrast, self.masking = contrast, False  # whether masks alone are being learned

    def make(self) -> None:
        super().make()
        self.between, self.mask_head = RegionWordContrast(self.width), MaskHead(self.width)

    # --- learning

    def loss(self, seen: Seen, targets: Tensor) -> Tensor:
        pictures, boxes = self.turned(seen, targets)
        maps, states = self.grounder.look(pictures), self.grounder.read(seen.ids, seen.mask)
        said = self.grounder.compare(maps, states, seen.mask)
        if self.masking:
            rois = rois_of(boxes)
            return mask_loss(self.mask_head(maps.fine, said.levels[0], rois), rois, torch.cat(seen.masks))
        wanted = self.grounder.wanted(boxes, seen.told)
        found = self.grounder.loss(said, wanted, seen.mask)
        if not self.contrast:
            return found
        logits = self.between(flat(maps.levels)[wanted.things], states[seen.mask])  # (R, W)
        told = [tokens[things] for tokens, things in zip(wanted.tokens, wanted.things)]
        return found + self.contrast * contrast_both_ways(logits, fits(told, seen.said, seen.mask))

    def fit_masks(
        self,
        split: "Split",
        masks: Sequence[Tensor],
        *,
        epochs: int = 6,
        lr: float = 1e-3,
        batch_size: int = 16,
        seed: int = 1,
        progress: bool = True,
    ) -> "GLIPv2":
        """Learns what of a box shows its thing, from true boxes; all else stays as it is. Returns self.

        masks: of every picture, (m_i, H, W) bool, one a box of `split.targets.boxes`, in that order.
        Raises ValueError where masks do not fit their pictures and boxes.
        """
        recipe = self._recipe(epochs, lr, batch_size, seed)
        self.check_ready()
        self.check_kind(split.kind, "the split")
        check_masks(masks, [len(boxes) for boxes in split.targets.boxes], split.targets.sizes)
        size = self.image_size
        small = [resized(some, size) for some in masks]
        how = {"size": size, "device": self.clip.device, "seed": seed, "masks": small}
        inputs = GroundedInputs([split], self.phrases, **how)
        history, flip = self.history, self.flip
        self.requires_grad_(False)
        self.mask_head.requires_grad_(True)
        self.masking, self.flip = True, False  # mirrored boxes would want mirrored masks
        try:
            train(self, inputs.split, recipe, inputs=inputs, progress=progress)
        finally:
            self.masking, self.flip, self.history = False, flip, history
            self.requires_grad_(True)
        return self.eval()

    # --- detecting

    @torch.inference_mode()
    def masks(self, images: "Split | Tensor", found: Sequence[Detections]) -> list[Tensor]:
        """What `detect(images)` found, pixel by pixel: of every picture (n_i, S, S), 0 … 1, at the detector's size."""
        self.check_ready()
        size, left, out = self.image_size, list(found), []
        for pictures, scale in self._pictures(images):
            some, left = left[: len(pictures)], left[len(pictures) :]
            maps = self.grounder.look(pictures)
            rois = rois_of([(one.boxes / by).to(pictures.device) for one, by in zip(some, scale)])
            labels = torch.cat([one.labels for one in some]).to(pictures.device)
            each = pictures.new_zeros(len(rois), size, size)
            for places, prompt in self.prompts:
                mine = torch.isin(labels, torch.tensor(places, device=labels.device))
                level = self.grounder.asked(maps, [prompt]).levels[0]
                each[mine] = pasted(self.mask_head(maps.fine, level, rois[mine]), rois[mine, 1:], size)
            out += each.cpu().split([len(one.boxes) for one in some])
        return out


def rois_of(boxes: Sequence[Tensor]) -> Tensor:
    """n of (m_i, 4) -> (R, 5): number of the picture, box."""
    return torch.cat([F.pad(some, (1, 0), value=i) for i, some in enumerate(boxes)])
