"""ViLD (Gu et al., "Open-vocabulary Object Detection via Vision and Language Knowledge Distillation", ICLR 2022).

A detector of two stages whose second compares regions with texts, so that other class names can be told it:
    e_r = unit(P(head(RoIAlign(region r))))                               (D,)
    z_r = [e_r · b, e_r · t_1, …, e_r · t_C] / τ                            t: frozen texts; b: learned, of unit length
    L_text = mean_r CE(z_r, class of r, or background)                     regions drawn as in Fast R-CNN
    L_image = mean_r Σ_d |e_rd − v_rd|,   v_r = unit(CLIP(crop of r) + CLIP(crop 1.5 times as wide))
    L = L_proposals + L_boxes + L_text + w · L_image
Boxes of classes that training does not know are told nowhere, yet CLIP saw what they show: L_image brings that into e.
The ensemble has a head for each loss; of their probabilities p_text and p_image, of which the second knows no
background, a base class scores p_text^(2/3) · p_image^(1/3), a novel one p_text^(1/3) · p_image^(2/3).

Published on Mask R-CNN at 1024 pixels; here a backbone for small pictures, trained from nothing, and no masks.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import roi_align

from lessons_lib.methods.detector import Detector, Regions
from lessons_lib.methods.parts.proposer import STRIDE, Proposer
from lessons_lib.methods.parts.region_head import CELLS, Embedded, RegionHead, embedded_by, far_from
from lessons_lib.methods.parts.region_inputs import RegionInputs, Seen
from lessons_lib.methods.parts.regions import box_loss, deltas_of, has_area, matched, moved, sampled
from lessons_lib.methods.parts.texts import mean_texts_of, some_templates
from lessons_lib.recipe import Recipe
from lessons_lib.templates import check_classnames
from lessons_lib.training import train

if TYPE_CHECKING:
    from lessons_lib.clip import Clip
    from lessons_lib.data import Task

VARIANTS = {"text": "ViLD-text", "image": "ViLD-image", "both": "ViLD", "ensemble": "ViLD-ensemble"}
CROPS = (1.0, 1.5)
OWN = 2 / 3  # the exponent of the head that knows a class better


class ViLD(Detector):
    """Detects things by class names, also by names that it was not trained on.

    variant: "text", "image", "both" or "ensemble": which losses there are, and whether each has a head of its own.
    weight: w, of the distillation; in "both", 0 is "text".   temperature: τ.
    masked: further classes that stand in training's softmax with a logit of 0, as the released code has novel ones.
    proposals: regions of a picture, in distillation and when it detects.   crops: how wide CLIP's views of each are.
    templates: None for the task's; one; several, whose mean speaks; or "imagenet80", "imagenet7".
    image_size, width, hidden: S, channels of the backbone, units of the head.
    Raises ValueError for impossible settings.
    """

    trains, EPOCHS, PER_IMAGE, ONCE = True, 12, 0.055, 0.14  # with the teacher's look at proposals
    IN_PAPER = ("variant", "weight", "templates")

    def __init__(
        self,
        clip: "Clip",
        variant: str = "both",
        *,
        weight: float = 0.5,
        temperature: float = 0.01,
        masked: int = 0,
        proposals: int = 16,
        crops: tuple[float, ...] = CROPS,
        templates: str | list[str] | None = None,
        image_size: int = 128,
        width: int = 64,
        hidden: int = 256,
    ):
        super().__init__(clip)
        if variant not in VARIANTS:
            raise ValueError(f"variant={variant!r}: use one of {', '.join(VARIANTS)}")
        if not weight >= 0 or not temperature > 0:
            raise ValueError(f"weight={weight!r}, temperature={temperature!r}: at least 0, and above 0")
        if not crops or min(crops) < 1 or proposals < 1 or masked < 0 or image_size % STRIDE or width % 16:
            given = f"crops={crops}, proposals={proposals}, masked={masked}, image_size={image_size}, width={width}"
            raise ValueError(f"{given}: at least 1, 1 and 0; an edge that {STRIDE} divides and a width that 16 divides")
        self.variant, self.weight, self.temperature, self.masked = variant, weight, temperature, masked
        self.proposals, self.crops, self.templates = proposals, [float(by) for by in crops], some_templates(templates)
        self.image_size, self.width, self.hidden = image_size, width, hidden
        self.register_buffer("texts", None, persistent=False)  # (C, D)
        self.register_buffer("fitted_on", torch.empty(0, dtype=torch.uint8, device=clip.device))  # names, as JSON
        self.proposing = False  # whether the first stage alone is being trained
        self.reset(0)

    @property
    def paper_name(self) -> str:
        return VARIANTS[self.variant] if super().paper_name else ""

    def reset(self, seed: int) -> None:
        """Sets what is learned to its start, which the seed draws."""
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            self.proposer = Proposer(self.width, self.image_size)
            names = ("text", "image") if self.variant == "ensemble" else ("only",)
            sizes = self.width, self.hidden, self.clip.embed_dim
            self.heads = nn.ModuleDict({name: RegionHead(*sizes) for name in names})
            self.mover = nn.Linear(self.hidden, 4)  # of boxes, whatever the class
            b = None if self.variant == "image" else nn.Parameter(torch.randn(sizes[-1]))
            self.register_parameter("background", b)  # before it is given unit length
            nn.init.normal_(self.mover.weight, std=0.001), nn.init.zeros_(self.mover.bias)
        self.to(self.clip.device)

    # --- classes

    def set_classes(self, classnames: Iterable[str]) -> None:
        names = check_classnames(classnames)
        self.texts = mean_texts_of(self.clip, names, self.templates or [self.task_template])
        super().set_classes(names)

    @property
    def is_base(self) -> Tensor:
        """(C,) bool: whether it was trained on boxes of the class."""
        known = json.loads(bytes(self.fitted_on.tolist())) if len(self.fitted_on) else []
        return torch.tensor([name in known for name in self.classnames], device=self.clip.device)

    def load_state_dict(self, state: dict, *args, **kwargs):
        if "fitted_on" in state:  # as long as its names are
            self.fitted_on = torch.empty_like(state["fitted_on"], device=self.clip.device)
        return super().load_state_dict(state, *args, **kwargs)

    # --- learning

    def fit(
        self,
        task: "Task",
        *,
        epochs: int = 12,
        proposal_epochs: int = 4,
        lr: float = 1e-3,
        batch_size: int = 16,
        seed: int = 1,
        checkpoint: str | Path | None = None,
        progress: bool = True,
    ) -> "ViLD":
        """Learns proposals from the boxes alone, fixes those of every training picture, and what CLIP sees in them;
        then learns all of it. Returns self.

        proposal_epochs, epochs: of the two stages, both with AdamW (published: SGD).   checkpoint: a file that is
        written after every epoch of the second, and beside it, ending in ".proposals", one of the first.
        Raises ValueError for impossible settings, and for a task without a box.
        """
        stages = [self._recipe(count, lr, batch_size, seed) for count in (proposal_epochs, epochs)]
        self.check_task(task)
        if not any(len(boxes) for boxes in task.train.targets.boxes):
            raise ValueError("no training picture has a box: there is nothing to learn from")
        self.begin(task)
        self.reset(seed)
        self.fitted_on = self.fitted_on.new_tensor(list(json.dumps(self.classnames).encode()))
        inputs, how = RegionInputs(self, task.train), {"views": "plain", "progress": progress}
        first = None if checkpoint is None else f"{checkpoint}.proposals"
        self.proposing = True
        try:
            train(self, task.train, stages[0], checkpoint=first, inputs=inputs, **how)
        finally:
            self.proposing = False
        if self.variant != "text" and self.weight:
            inputs.look(self.proposer, self.proposals, tuple(self.crops))
        train(self, task.train, stages[1], checkpoint=checkpoint, inputs=inputs, **how)
        return self.eval()

    def fit_settings(self, shots: int | None = None, **fit) -> dict[str, Any]:
        found = super().fit_settings(shots, **fit)
        for name in ("proposal_epochs", "epochs"):
            self._recipe(found[name], found["lr"], found["batch_size"], found["seed"])
        return found

    def _recipe(self, epochs: int, lr: float, batch_size: int, seed: int) -> Recipe:
        return Recipe(epochs, lr, batch_size, seed, "adamw", weight_decay=1e-4, warmup_epochs=0, schedule="step")

    def loss(self, seen: Seen, targets: Tensor) -> Tensor:
        """targets: (n, M, 5): class, box in the picture's own pixels; class -1 fills up."""
        there = targets[:, :, 0] >= 0
        truth = [boxes[some] / scale for boxes, some, scale in zip(targets[:, :, 1:], there, seen.scale[:, None])]
        labels = [each[some].long() for each, some in zip(targets[:, :, 0], there)]
        maps, proposals, loss = self.proposer(seen.pictures, truth)
        if self.proposing:
            return loss
        rois, told, wanted = [], [], []
        for i, (found, boxes, names) in enumerate(zip(proposals, truth, labels)):
            found = torch.cat([found, boxes])
            found = found[has_area(found)]
            label, which = matched(found, boxes, names)
            picked = sampled(label)
            rois.append(F.pad(found[picked], (1, 0), value=i))
            told.append(label[picked])
            true = boxes[which[picked]] if len(boxes) else found[picked]
            wanted.append(deltas_of(found[picked], true))
        loss = loss + self.region_loss(maps, torch.cat(rois), torch.cat(told), torch.cat(wanted))
        if seen.teacher is not None:
            loss = loss + self.weight * self.distillation(maps, seen.proposals, seen.teacher)
        return loss

    def region_loss(self, maps: Tensor, rois: Tensor, labels: Tensor, wanted: Tensor) -> Tensor:
        """L_boxes + L_text.   rois: (R, 5): picture, box; labels: (R,), 0 for the background; wanted: (R, 4) deltas."""
        return self.loss_of(self.embed(maps, rois), labels, wanted)

    def loss_of(self, embedded: Embedded, labels: Tensor, wanted: Tensor) -> Tensor:
        """`region_loss` of regions that are embedded already."""
        off = box_loss(embedded.deltas, wanted, labels)
        if self.variant == "image":
            return off
        logits = F.pad(self.logits_of(embedded.text), (0, self.masked))  # (R, 1 + C + masked)
        return off + F.cross_entropy(logits, labels)

    def distillation(self, maps: Tensor, proposals: Tensor, teacher: Tensor) -> Tensor:
        """L_image.   proposals: (n, P, 4), of which those without area only fill up; teacher: (n, P, D)."""
        sound = has_area(proposals)  # (n, P)
        rois = torch.cat([sound.nonzero()[:, :1].to(maps.dtype), proposals[sound]], dim=1)
        return far_from(self.embed(maps, rois).image, teacher[sound])

    def embed(self, maps: Tensor, rois: Tensor) -> Embedded:
        """maps: (n, width, S / 4, S / 4); rois: (R, 5): number of the picture, box."""
        cells = roi_align(maps, rois, CELLS, spatial_scale=1 / STRIDE, sampling_ratio=2, aligned=True)
        return embedded_by(self.heads, self.mover, cells)

    def logits_of(self, embeddings: Tensor) -> Tensor:
        """(R, D) -> (R, 1 + C): z, the background first."""
        return embeddings @ torch.cat([F.normalize(self.background, dim=0)[None], self.texts]).T / self.temperature

    # --- detecting

    @torch.inference_mode()
    def regions(self, pictures: Tensor) -> list[Regions]:
        maps, found, _ = self.proposer(pictures)
        found = [boxes[: self.proposals] for boxes in found]
        sure = [each[: self.proposals] for each in self.proposer.rpn.objectness]
        counts = [len(boxes) for boxes in found]
        rois = torch.cat([F.pad(boxes, (1, 0), value=i) for i, boxes in enumerate(found)])
        embedded = self.embed(maps, rois)
        boxes = moved(rois[:, 1:], embedded.deltas, self.image_size)
        scores = self.scores_of(embedded, torch.cat(sure))
        return [Regions(*each) for each in zip(boxes.split(counts), sure, scores.split(counts))]

    def scores_of(self, embedded: Embedded, objectness: Tensor) -> Tensor:
        """(R, C), 0 … 1. The image's head alone knows no background: its score is √(objectness · p_image)."""
        p_image = (embedded.image @ self.texts.T / self.temperature).softmax(dim=-1)
        if self.variant == "image":
            return (objectness[:, None] * p_image).sqrt()
        p_text = self.logits_of(embedded.text).softmax(dim=-1)[:, 1:]
        if self.variant != "ensemble":
            return p_text
        of_text = torch.where(self.is_base, OWN, 1 - OWN)  # (C,)
        return p_text**of_text * p_image ** (1 - of_text)
