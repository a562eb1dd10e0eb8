"""Small CLIPs, pre-trained with three objectives on ToyWorld's pairs: one run of lesson 01's study."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from hashlib import sha256

import numpy as np
import open_clip
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lessons_lib import toyworld
from lessons_lib.metrics.accuracy import accuracy
from lessons_lib.pretrain.loop import Run, Settings, Towers
from lessons_lib.pretrain.losses import bag_of_words, bag_of_words_loss, clip_loss
from lessons_lib.runs import Result, Row

TASKS = ["toy_objects", "toy_food", "toy_scenes"]
VALIDATION_SEED = 1_000  # other pictures than any split that lessons and tests are scored on
CONTRASTIVE, CONTRASTIVE_BAG, PREDICTIVE = "contrastive", "contrastive, bag of words", "predicting words"
WITNESSES = 256  # pairs by which a seed's are told from those of another world
D = 64  # joint width
POINTS = 12  # moments at which a run is measured


@dataclass(frozen=True)
class Spec:
    """One run of the study. Equal specs give equal runs."""

    objective: str
    width: int  # of both towers
    pairs: int  # seen in all; a pass over the drawn pairs, part of one, or several
    seed: int
    layers: tuple[int, int] = (3, 2)  # of the image tower and of the text tower
    drawn: int = 32_768  # pairs that exist
    batch_size: int = 128
    lr: float = 2e-3


@dataclass
class World:
    """One seed's pairs, and every task's validation pictures. Token ids are renumbered to the words in use."""

    images: Tensor  # (N, 3, 64, 64) uint8
    tokens: Tensor  # (N, L)
    validation: dict[str, tuple[Tensor, Tensor, Tensor, Tensor]]  # images, labels, tokens of prompts, tokens of names
    vocabulary: int  # padding is 0; start and end of text are the last two
    words: Tensor  # (V,) the ids of words


@lru_cache(maxsize=1)
def validation_pictures() -> dict[str, tuple[Tensor, Tensor]]:
    """Task -> images (N, 3, 64, 64) uint8, labels (N,)."""
    drawn = {name: toyworld.draw_scenes(name, "val", seed=VALIDATION_SEED) for name in TASKS}
    return {name: (scenes.render(), labels) for name, (scenes, labels) in drawn.items()}


def prompts_of(name: str) -> list[str]:
    spec = toyworld.TASKS[name]
    return [spec.templates[0].replace("{}", classname) for classname in spec.classnames]


@cache
def world_of(seed: int) -> str:
    """A digest of validation pictures, prompts and a sample of a seed's pairs, since all 32,768 take minutes to draw.
    What draws and says them is one for all, so another world shows in the sample."""
    pictures, captions = toyworld.draw_pairs(WITNESSES, seed=(seed, 0), tasks=TASKS)
    found = sha256(repr([captions, *map(prompts_of, TASKS)]).encode())
    for images in (pictures, *(images for images, _ in validation_pictures().values())):
        found.update(images.numpy().tobytes())
    return found.hexdigest()


@lru_cache(maxsize=1)
def draw_world(seed: int, drawn: int, block: int = 2048) -> World:
    tokenizer = open_clip.SimpleTokenizer(context_length=48)
    images, captions = [], []
    for start in range(0, drawn, block):
        some, said = toyworld.draw_pairs(min(block, drawn - start), seed=(seed, start), tasks=TASKS)
        images.append(some)
        captions += said
    tokens = tokenizer(captions)
    validation = {}
    for name, (pictures, labels) in validation_pictures().items():
        names = toyworld.TASKS[name].classnames
        validation[name] = (pictures, labels, tokenizer(prompts_of(name)), tokenizer(names))
    used = torch.cat([tokens, *(t for *_, prompts, names in validation.values() for t in (prompts, names))]).unique()
    validation = {
        name: (pictures, labels, torch.searchsorted(used, prompts), torch.searchsorted(used, names))
        for name, (pictures, labels, prompts, names) in validation.items()
    }
    words = torch.arange(1, len(used) - 2)
    return World(torch.cat(images), torch.searchsorted(used, tokens), validation, len(used), words)


class BagTowers(nn.Module):
    """Contrastive as CLIP, but the text's embedding is the sum of its words' embeddings: word order is not seen."""

    def __init__(self, model: nn.Module, words: Tensor):
        super().__init__()
        self.model, self.words = model, words

    def encode_texts(self, tokens: Tensor) -> Tensor:
        """(N, L) -> (N, D)"""
        embeddings = self.model.token_embedding.weight[self.words] @ self.model.text_projection  # (V, D)
        return bag_of_words(tokens, self.words) @ embeddings

    def forward(self, images: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        f = F.normalize(self.model.encode_image(images), dim=-1)
        return f, F.normalize(self.encode_texts(tokens), dim=-1), self.model.logit_scale.exp()


class WordTower(nn.Module):
    """An image tower whose last layer gives a logit for every word; there is no text tower."""

    def __init__(self, model: nn.Module, words: Tensor):
        super().__init__()
        self.model, self.words = model, words

    def forward(self, images: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        return self.model.encode_image(images), bag_of_words(tokens, self.words)  # (N, V), (N, V)


def build(spec: Spec, world: World) -> nn.Module:
    """ViT and text transformer of one width; for word prediction, the ViT's joint width is the number of words."""
    image_layers, text_layers = spec.layers
    head = min(32, spec.width)
    vision = dict(image_size=64, layers=image_layers, width=spec.width, head_width=head, patch_size=16)
    text = dict(context_length=48, vocab_size=world.vocabulary, width=spec.width, layers=text_layers)
    text["heads"] = spec.width // head
    torch.manual_seed(spec.seed)
    return open_clip.model.CLIP(len(world.words) if spec.objective == PREDICTIVE else D, vision, text)


def flops(model: nn.Module, spec: Spec, world: World) -> float:
    """Of training on one pair: 6 × parameters × tokens (Kaplan et al., 2020), over the blocks of the towers in use."""
    length = {"visual.transformer": 17, "transformer": float((world.tokens != 0).sum(1).float().mean())}
    used = length if spec.objective == CONTRASTIVE else ["visual.transformer"]
    return 6 * sum(length[t] * p.numel() for t in used for p in model.get_submodule(t).parameters())


def normalise(images: Tensor) -> Tensor:
    return (images.float() / 255 - 0.5) / 0.25


@torch.no_grad()
def scores(run: Run, objective: str, world: World) -> dict[str, float]:
    """Zero-shot accuracy on each task's validation pictures, percent.

    A word predictor is asked for the mean log-probability of the name's words; and, as "… (prior removed)", for how far
    that lies above its mean over the pictures, since a rare name should not lose to a frequent one.
    """
    run.model.eval()
    found = {}
    for name, (images, labels, prompts, names) in world.validation.items():
        f = run.model.encode_image(normalise(images))
        if objective == PREDICTIVE:
            bag = bag_of_words(names, world.words)  # (C, V)
            s = f.log_softmax(1) @ bag.T / bag.sum(1)  # (N, C)
            found[f"{name} (prior removed)"] = accuracy((s - s.mean(0)).argmax(1), labels)
        else:
            s = F.normalize(f, dim=-1) @ F.normalize(run.towers.encode_texts(prompts), dim=-1).T  # (N, C)
        found[name] = accuracy(s.argmax(1), labels)
    return found


def batches(spec: Spec) -> Iterator[Tensor]:
    """Row numbers of each step: passes over the drawn pairs, each in an order of its own."""
    rng = np.random.default_rng([spec.seed, 77])
    order = np.concatenate([rng.permutation(spec.drawn) for _ in range(-(-spec.pairs // spec.drawn))])[: spec.pairs]
    return torch.from_numpy(order).split(spec.batch_size)


def train(spec: Spec, points: int = POINTS) -> Result:
    """One run. Rows: accuracy on each task and the loss on "train", at `points` evenly spaced moments (`at`: pairs
    seen), and flops of the whole run. seconds: of the processor."""
    world = draw_world(spec.seed, spec.drawn)
    model = build(spec, world)
    steps = spec.pairs // spec.batch_size
    settings = Settings(
        steps=steps, batch_size=spec.batch_size, lr=spec.lr, warmup=steps // 20, patch_dropout=0, seed=spec.seed
    )
    run = Run(
        model, settings, normalise, autocast_dtype=None,
        make_towers={CONTRASTIVE: Towers, CONTRASTIVE_BAG: partial(BagTowers, words=world.words),
                     PREDICTIVE: partial(WordTower, words=world.words)}[spec.objective],
        loss=bag_of_words_loss if spec.objective == PREDICTIVE else clip_loss,
    )  # fmt: skip
    began, rows, recent = time.process_time(), [], []
    for step, batch in enumerate(batches(spec), start=1):
        recent.append(run.train_step(world.images[batch], world.tokens[batch]))
        if step * points // steps > (step - 1) * points // steps:
            at = step * spec.batch_size
            rows += [Row(on, "accuracy", x, at) for on, x in scores(run, spec.objective, world).items()]
            rows.append(Row("train", "loss", float(np.mean(recent)), at))
            recent = []
    rows.append(Row("train", "flops", flops(model, spec, world) * spec.pairs, spec.pairs))
    return Result(rows, sum(p.numel() for p in model.parameters()), time.process_time() - began)
