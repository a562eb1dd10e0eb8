"""Lesson 01's study: what to learn from captions (finding F12), and what more compute buys (finding F13).

    python data_scripts/pretraining/study_pretraining.py --trial   # a minute or two, to see that it works
    python data_scripts/pretraining/study_pretraining.py --jobs 2  # the whole study: a quarter of an hour on two cores

Small CLIPs are pre-trained on the same pairs of one seed, for five seeds: the same image tower with three objectives,
and three sizes of model on three amounts of data. Zero-shot accuracy is measured on validation pictures along the way.
Every finished run is kept in --out, so the same command, started again, does only what is missing.
"""

import argparse
import datetime
import json
import multiprocessing
import platform
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import open_clip
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm.auto import tqdm

from lessons_lib import toyworld
from lessons_lib.data.toys import renderer_fingerprint
from lessons_lib.files import atomic_write
from lessons_lib.pretrain.loop import Run, Settings, Towers
from lessons_lib.pretrain.losses import bag_of_words, bag_of_words_loss, clip_loss

OUT = Path(__file__).resolve().parents[2] / "lessons_lib" / "teaching" / "recorded" / "pretraining_study.json"
TASKS = ["toy_objects", "toy_food", "toy_scenes"]
SEEDS = range(5)
VALIDATION_SEED = 1_000  # other pictures than any split that lessons and tests are scored on
CONTRASTIVE, CONTRASTIVE_BAG, PREDICTIVE = "contrastive", "contrastive, bag of words", "predicting words"
D = 64  # joint width
WIDTHS, AMOUNTS = (16, 32, 64), (16_384, 32_768, 65_536)  # of both towers; pairs seen
COMPARED = {"width": 64, "pairs": 65_536}  # the size and amount at which the objectives are compared


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

    @property
    def key(self) -> str:
        return json.dumps(asdict(self))


def plan(trial: bool) -> list[Spec]:
    """The runs, seed after seed, so that an unfinished study is whole for its first seeds."""
    if trial:
        small = dict(width=32, pairs=4096, drawn=4096)
        return [Spec(objective, **small, seed=0) for objective in (CONTRASTIVE, CONTRASTIVE_BAG, PREDICTIVE)]
    runs = []
    for seed in SEEDS:
        runs += [Spec(CONTRASTIVE, width, pairs, seed) for width in WIDTHS for pairs in AMOUNTS]
        runs += [Spec(objective, **COMPARED, seed=seed) for objective in (CONTRASTIVE_BAG, PREDICTIVE)]
        runs += [Spec(PREDICTIVE, **COMPARED, seed=seed, lr=4e-3)]  # is it slow only for want of a higher rate?
    return runs


@dataclass
class World:
    """One seed's pairs, and every task's validation pictures. Token ids are renumbered to the words in use."""

    images: Tensor  # (N, 3, 64, 64) uint8
    tokens: Tensor  # (N, L)
    validation: dict[str, tuple[Tensor, Tensor, Tensor, Tensor]]  # images, labels, tokens of prompts, tokens of names
    vocabulary: int  # padding is 0; start and end of text are the last two
    words: Tensor  # (V,) the ids of words


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
    for name in TASKS:
        scenes, labels = toyworld.draw_scenes(name, "val", seed=VALIDATION_SEED)
        spec = toyworld.TASKS[name]
        prompts = tokenizer([spec.templates[0].replace("{}", c) for c in spec.classnames])
        validation[name] = (scenes.render(), labels, prompts, tokenizer(spec.classnames))
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
            found[f"{name} (prior removed)"] = _percent_right(s - s.mean(0), labels)
        else:
            s = F.normalize(f, dim=-1) @ F.normalize(run.towers.encode_texts(prompts), dim=-1).T  # (N, C)
        found[name] = _percent_right(s, labels)
    return found


def _percent_right(s: Tensor, labels: Tensor) -> float:
    return round(100 * (s.argmax(1) == labels).float().mean().item(), 2)


def batches(spec: Spec) -> Iterator[Tensor]:
    """Row numbers of each step: passes over the drawn pairs, each in an order of its own."""
    rng = np.random.default_rng([spec.seed, 77])
    order = np.concatenate([rng.permutation(spec.drawn) for _ in range(-(-spec.pairs // spec.drawn))])[: spec.pairs]
    return torch.from_numpy(order).split(spec.batch_size)


def train(spec: Spec, points: int = 12) -> dict:
    """One run: its spec, cost, losses, and zero-shot accuracy at `points` evenly spaced moments."""
    torch.set_num_threads(1)
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
    began, curve, losses, recent = time.process_time(), [], [], []
    for step, rows in enumerate(batches(spec), start=1):
        recent.append(run.train_step(world.images[rows], world.tokens[rows]))
        if step * points // steps > (step - 1) * points // steps:
            curve.append([step * spec.batch_size, scores(run, spec.objective, world)])
            losses.append([step * spec.batch_size, round(float(np.mean(recent)), 4)])
            recent = []
    cost = {"flops": flops(model, spec, world) * spec.pairs, "cpu_seconds": round(time.process_time() - began, 1)}
    size = sum(p.numel() for p in model.parameters())
    return {**asdict(spec), **cost, "parameters": size, "loss": losses, "zero_shot": curve}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help=f"default: {OUT.name} in the package")
    parser.add_argument("--jobs", type=int, default=1, help="processes, each on one core")
    parser.add_argument("--trial", action="store_true", help="a few short runs, into build/study_trial.json")
    args = parser.parse_args()
    out = args.out or (Path("build/study_trial.json") if args.trial else OUT)
    record = json.loads(out.read_text()) if out.exists() else {"runs": []}
    planned = {spec.key: spec for spec in plan(args.trial)}
    done = {Spec(**{k: run[k] for k in Spec.__dataclass_fields__}).key: run for run in record["runs"]}
    record["runs"] = [done[key] for key in planned if key in done]
    missing = [spec for key, spec in planned.items() if key not in done]
    print(f"{len(record['runs'])} runs are there, {len(missing)} to do")
    context = multiprocessing.get_context("spawn")
    with context.Pool(args.jobs) as pool:
        for run in tqdm(pool.imap(train, missing), total=len(missing), unit="run"):
            record["runs"].append(run)
            record |= {
                "script": "data_scripts/pretraining/study_pretraining.py", "date": datetime.date.today().isoformat(),
                "tasks": TASKS, "compare": COMPARED, "world": renderer_fingerprint()[:16],
                "machine": platform.machine(), "torch": torch.__version__,
            }  # fmt: skip
            atomic_write(out, (json.dumps(record) + "\n").encode())
            last = run["zero_shot"][-1][1]
            what = f"{run['objective']}, width {run['width']}, {run['pairs']} pairs, seed {run['seed']}"
            tqdm.write(f"{what}: {np.mean([last[t] for t in TASKS]):.1f} %")


if __name__ == "__main__":
    main()
