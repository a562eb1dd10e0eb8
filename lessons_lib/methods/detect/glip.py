"""GLIP (Li et al., "Grounded Language-Image Pre-training", CVPR 2022): detection as grounding.

The classes are a text, "key. red key.", and every location of the picture is compared with every token of it:
    v, ê = deep fusion of locations and token states, layer by layer                        `parts.deep_fusion`
    S = alignment of v and ê                  (A, L), in the place of a classifier's logits  `parts.alignment`
    L = focal(S, which token belongs to whom) + 2 · (1 − GIoU) + BCE(centerness)
    score of a phrase = √(mean over its tokens of σ(S) · σ(centerness))
so boxes of classes and captions whose phrases have boxes are one kind of data with one loss, and a detector that was
taught some can label captioned pictures for a student (`parts.pseudo_labels`).

Published with a Swin at 1333 pixels, five levels, DyHead and BERT; here a small backbone at 128 pixels of two levels,
three layers of fusion, and a small text tower read both ways (`parts.token_states`), all trained from nothing but for
CLIP's token embeddings, which stay as they are. Words that have read the picture are of that picture alone, so with
fusion nothing of a prompt can be kept, and every further prompt costs as much as the first; without, a picture is
looked at once for however many prompts.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from lessons_lib.methods.detector import Detections, Detector, Regions
from lessons_lib.methods.parts.alignment import phrase_scores
from lessons_lib.methods.parts.grounded_inputs import KINDS, GroundedInputs, Seen
from lessons_lib.methods.parts.grounder import Grounder, mirrored, surest
from lessons_lib.methods.parts.grounding import grounding
from lessons_lib.methods.parts.phrases import Phrases, Prompt, letters_of
from lessons_lib.methods.parts.pyramid import STRIDES
from lessons_lib.methods.parts.starts import check_whole
from lessons_lib.recipe import Recipe
from lessons_lib.templates import check_classnames
from lessons_lib.training import train

if TYPE_CHECKING:
    from lessons_lib.clip import Clip
    from lessons_lib.data import Split, Task

MOST = 100  # regions of a picture and prompt that go on, the surest


class GLIP(Detector):
    """Detects things by their names, or by what is said of them ("red key"), also in words it was not trained on.

    fusion: whether locations and words read each other before they are compared.   layers: of fusion or, without it, of
        convolutions alone.   text_layers: of the text tower.   context_length: the most tokens of a prompt, start and
        end with them.   anchor: edge of the square at every location, in strides.
    flip: mirror half of the pictures while learning.   image_size, width: S, and channels of locations and words.
    Raises ValueError for impossible settings, and a CLIP whose text tower or tokenizer is of another kind.
    """

    trains, boxes_mind_names, EPOCHS, PER_IMAGE, DETECTING = True, True, 12, 0.09, 0.03
    IN_PAPER = ("fusion",)
    TUNED = {"offset": (0.05, 0.25), "all": (2e-4, 0.05)}  # what is tuned -> learning rate, weight decay

    def __init__(
        self,
        clip: "Clip",
        fusion: bool = True,
        *,
        layers: int = 3,
        text_layers: int = 2,
        context_length: int = 48,
        anchor: float = 4.0,
        flip: bool = True,
        image_size: int = 128,
        width: int = 64,
    ):
        super().__init__(clip)
        clip.text_tower.check_cuts()
        for name, value in (("layers", layers), ("text_layers", text_layers)):
            check_whole(name, value, "a whole number, at least 1", 1)
        check_whole("context_length", context_length, "how many tokens a prompt may have, at least 4", 4)
        if not anchor > 0 or width < 16 or width % 16 or image_size < 2 * STRIDES[-1] or image_size % STRIDES[-1]:
            given = f"anchor={anchor}, width={width}, image_size={image_size}"
            raise ValueError(f"{given}: above 0; multiples of 16, of {STRIDES[-1]} and at least {2 * STRIDES[-1]}")
        self.fusion, self.layers, self.text_layers, self.context_length = fusion, layers, text_layers, context_length
        self.anchor, self.flip, self.image_size, self.width = float(anchor), flip, image_size, width
        self.phrases = Phrases(clip.tokenizer, context_length)
        self.prompts: list[tuple[list[int], Prompt]] = []  # positions of classes, and the prompt that asks for these
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Sets what is learned to its start, which the seed draws."""
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            self.make()
        self.to(self.clip.device)

    def make(self) -> None:
        """What is learned, drawn from torch's generator."""
        tower = self.clip.text_tower
        names = ("fusion", "layers", "text_layers", "context_length", "anchor", "width")
        how = {name: getattr(self, name) for name in names}
        self.grounder = Grounder(tower.embed, tower.width, size=self.image_size, **how)

    # --- classes

    def set_classes(self, classnames: Iterable[str]) -> None:
        names = check_classnames(classnames)
        chunks = self.phrases.chunks(names)
        self.prompts = [(places, self.phrases.of_names([names[i] for i in places])) for places in chunks]
        super().set_classes(names)

    def carries(self, to: Sequence[str], fitted_on: Sequence[str]) -> str:
        if self.grounder.offset is None or list(to) == list(fitted_on):
            return ""
        return f"the offset was learned for the one prompt of {', '.join(fitted_on)}: carry what it was tuned from"

    def load_state_dict(self, state: dict, *args, **kwargs):
        if "grounder.offset" in state and self.grounder.offset is None:
            self.grounder.add_offset()
        return super().load_state_dict(state, *args, **kwargs)

    def check_kind(self, kind: str, of: str) -> None:
        """Boxes of classes, or captions whose phrases have boxes."""
        if kind not in KINDS:
            super().check_kind(kind, of)

    # --- learning

    def fit(
        self,
        task: "Task",
        *,
        grounding: Sequence["Split"] = (),
        epochs: int = 12,
        lr: float = 1e-3,
        batch_size: int = 16,
        seed: int = 1,
        checkpoint: str | Path | None = None,
        progress: bool = True,
    ) -> "GLIP":
        """Learns from the task's boxes, or captions, and from further splits of either kind. Returns self.

        grounding: further splits, such as captions, or what a teacher says of captions (`parts.pseudo_labels`).
        epochs: with AdamW.   checkpoint: a file that is written after every epoch.
        Raises ValueError for impossible settings, for data without a box, and for captions that no prompt holds.
        """
        recipe = self._recipe(epochs, lr, batch_size, seed)
        self.check_task(task)
        inputs = self.inputs([task.train, *grounding], seed=seed)
        self.begin(task)
        self.reset(seed)
        train(self, inputs.split, recipe, inputs=inputs, checkpoint=checkpoint, progress=progress)
        return self.eval()

    def tuned(
        self,
        task: "Task",
        what: str = "offset",
        *,
        epochs: int = 20,
        lr: float | None = None,
        batch_size: int = 4,
        seed: int = 1,
        progress: bool = True,
    ) -> "GLIP":
        """Another of it, for a task's few pictures of some classes; this one stays as it is.

        what: "offset": a vector for each position of the classes' one prompt, from 0, is added to its token states,
            and nothing else is learned; or "all".   lr: None for 0.05 (with a weight decay of 0.25), 2e-4 (0.05).
        Raises ValueError for other words, and where one prompt does not hold the classes' names.
        """
        if what not in self.TUNED:
            raise ValueError(f"what={what!r}: use one of {', '.join(self.TUNED)}")
        rate, decay = self.TUNED[what]
        recipe = self._recipe(epochs, rate if lr is None else lr, batch_size, seed, decay)
        self.check_task(task)
        inputs = self.inputs([task.train], seed=seed, in_order=True)
        other = self.for_classes(task.classnames)
        if what == "offset":
            other.requires_grad_(False)
            other.grounder.add_offset()
        train(other, inputs.split, recipe, inputs=inputs, progress=progress)
        return other.requires_grad_(True).eval()

    def inputs(self, splits: Sequence["Split"], *, seed: int, in_order: bool = False) -> GroundedInputs:
        """What it learns from. Raises ValueError where no picture has a box."""
        how = {"size": self.image_size, "device": self.clip.device, "seed": seed, "in_order": in_order}
        found = GroundedInputs(splits, self.phrases, **how)
        if not any(len(boxes) for boxes in found.split.targets.boxes):
            raise ValueError("no training picture has a box: there is nothing to learn from")
        return found

    def fit_settings(self, shots: int | None = None, **fit) -> dict[str, Any]:
        found = super().fit_settings(shots, **fit)
        self._recipe(*(found[name] for name in ("epochs", "lr", "batch_size", "seed")))
        return found

    def _recipe(self, epochs: int, lr: float, batch_size: int, seed: int, decay: float = 1e-4) -> Recipe:
        return Recipe(epochs, lr, batch_size, seed, "adamw", weight_decay=decay, warmup_epochs=0, schedule="step")

    def loss(self, seen: Seen, targets: Tensor) -> Tensor:
        """targets: (n, M, 5): a number, box in the picture's own pixels; number -1 fills up."""
        pictures, boxes = self.turned(seen, targets)
        said = self.grounder.compare(self.grounder.look(pictures), self.grounder.read(seen.ids, seen.mask), seen.mask)
        return self.grounder.loss(said, self.grounder.wanted(boxes, seen.told), seen.mask)

    def turned(self, seen: Seen, targets: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Pictures (n, 3, S, S), of which some are mirrored, and n of (m_i, 4) boxes in their pixels."""
        boxes = [rows[rows[:, 0] >= 0, 1:] / scale for rows, scale in zip(targets, seen.scale)]
        which = torch.rand(len(boxes)) < (0.5 if self.flip and self.training else 0.0)
        return mirrored(seen.pictures, boxes, which)

    # --- detecting

    def measure(self, split: "Split") -> dict[str, float]:
        """As `Detector.measure`; of captions also `grounding`, its ceiling and its floor (`parts.grounding`)."""
        found = super().measure(split)
        return found | grounding(self, split) if split.kind == "ground" else found

    @torch.inference_mode()
    def regions(self, pictures: Tensor) -> list[Regions]:
        maps, boxes, scores = self.grounder.look(pictures), [], []
        for places, prompt in self.prompts:
            said = self.grounder.asked(maps, [prompt])
            boxes.append(self.grounder.boxes(said))  # (n, A, 4)
            scores.append(boxes[-1].new_zeros(*boxes[-1].shape[:2], len(self.classnames)))  # (n, A, C)
            scores[-1][..., places] = phrase_scores(said.logits, prompt.spans, said.middles)
        if self.fusion:  # what a location says depends on what it was asked
            return surest(torch.cat(boxes, dim=1), torch.cat(scores, dim=1), MOST * len(self.prompts))
        return surest(boxes[0], sum(scores), MOST)

    @torch.inference_mode()
    def ground(self, images: "Split | Tensor", caption: str, phrases: Sequence[str]) -> list[Detections]:
        """Of every picture what the caption's phrases are about; a detection's label is the number of its phrase.

        images: as `detect`; caption: "a red key beside a mug"; phrases: words of it, as they stand there.
        Raises ValueError as `detect`, for a phrase that is not in the caption, and for a caption too long.
        """
        prompt = self.phrases.of_caption(caption, letters_of(caption, phrases))
        found = self._found(images, lambda pictures: self.grounded(pictures, [prompt] * len(pictures)))
        return [self._answers(*each) for each in found]

    @torch.inference_mode()
    def grounded(self, pictures: Tensor, prompts: Sequence[Prompt]) -> list[Regions]:
        """(n, 3, S, S) and a prompt each -> n `Regions`, whose scores are of the prompt's phrases."""
        said = self.grounder.asked(self.grounder.look(pictures), prompts)
        found = []
        for logits, middles, boxes, prompt in zip(said.logits, said.middles, self.grounder.boxes(said), prompts):
            found += surest(boxes[None], phrase_scores(logits, prompt.spans, middles)[None], MOST)
        return found
