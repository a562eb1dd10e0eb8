"""Pre-trains a small GroupViT on ToyWorld's captions: no mask is seen. Under an hour on one CPU core.

    python data_scripts/pretraining/pretrain_groupvit.py                                        # 1,000 steps, seed 0
    python data_scripts/pretraining/pretrain_groupvit.py --seed 1 --out build/groupvit/seed1 --checkpoint build/g1.pt
    python data_scripts/pretraining/pretrain_groupvit.py --steps 20 --out /tmp/trial --checkpoint /tmp/trial.pt

The published towers both start from nothing, and see 30 epochs of 26 million pairs. Here 128,000 pairs must do, so all
blocks start from ToyCLIP's (`--start fresh`: from nothing; then, after 74,000 pairs, everything was one group still).
Groupings, group tokens and projections are new. SegCLIP (Luo et al., ICML 2023) starts from CLIP, too.

Killed at any moment, the same command goes on from the last checkpoint, on the same pairs, to the same loss. Writes a
folder that `load_clip("local-dir:the/folder")` takes: open_clip_config.json, open_clip_model.safetensors (float16), and
beside them groupvit_training.json with settings, hardware, duration and curves: the loss; and on the validation
pictures of "toy_masks" mIoU with its floor and ceiling, and how many of the last groups have any pixel, which shows a
collapse before the loss does; and of the first few of them, at the same steps, which patch was in which group.
"""

import argparse
import datetime
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from pretrain_toyclip import going_on
from tqdm.auto import tqdm

import lessons_lib as ll
from lessons_lib.clip.building import make_tokenizer
from lessons_lib.clip.copies import frozen_copy
from lessons_lib.device import resolve_device
from lessons_lib.files import atomic_write
from lessons_lib.methods import METHODS
from lessons_lib.pretrain.grouping import GroupingTowers, grouping_loss
from lessons_lib.pretrain.loop import PairStream, Run, Settings
from lessons_lib.sealed import to_bytes
from lessons_lib.teaching.lesson12.toy import PREPROCESS_CFG, newborn, normaliser, pairs_with_nouns
from lessons_lib.teaching.trained_models import hardware

EARLY = (1, 50, 100)  # steps at which the curve has a point, too
KEPT = 6  # pictures whose groups are kept at every point


@dataclass(frozen=True)
class GroupSettings(Settings):
    """As published, but for steps, batch (4,096) and the rate that goes with it (1.6e-3); and no drop-path."""

    steps: int = 1000
    batch_size: int = 128
    lr: float = 5e-4
    lr_end: float = 2.5e-5
    warmup: int = 80
    weight_decay: float = 0.05
    beta2: float = 0.999
    clip_grad: float = 5.0
    patch_dropout: float = 0.0
    nouns: int = 3
    assignment: str = "hard"
    start: str = "toyclip"


def segmentation(clip, pictures: int) -> tuple[dict[str, float], list[str]]:
    """Of the first validation pictures of "toy_masks": what `measure` says, and the mean number of groups in use; and
    of the first `KEPT` the group of each patch, a letter ("a": the first group)."""
    split = ll.load_task("toy_masks").val
    split = split.subset(range(min(pictures, len(split))))
    method = METHODS["GroupViT"](clip)
    method.set_classes(split.classnames)
    measured = method.measure(split)
    x = clip.preprocess_tensor(split.tensor())
    used = [len(picture.argmax(dim=0).unique()) for picture in method.named_groups(x).maps]  # of (G, h, w)
    maps = method.named_groups(x[:KEPT]).maps.flatten(2)  # (n, G, patches)
    letters = ["".join(chr(97 + g) for g in row.argmax(dim=0).tolist()) for row in maps]
    said = {name: round(value, 2) for name, value in measured.items()} | {"groups_in_use": sum(used) / len(used)}
    return said, letters


def arguments() -> argparse.Namespace:
    defaults = GroupSettings()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=defaults.steps)
    parser.add_argument("--stop-at", type=int, help="end at this step of the schedule (default: at its last)")
    parser.add_argument("--batch-size", type=int, default=defaults.batch_size)
    parser.add_argument("--lr", type=float, default=defaults.lr)
    parser.add_argument("--nouns", type=int, default=defaults.nouns, help="of a caption; 0: the contrast alone")
    parser.add_argument("--assignment", choices=["hard", "soft"], default=defaults.assignment)
    parser.add_argument("--start", choices=["toyclip", "fresh"], default=defaults.start, help="of the blocks")
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--out", type=Path, default=Path("build/pretrain/groupvit"))
    parser.add_argument("--checkpoint", type=Path, default=Path("build/pretrain/groupvit.pt"))
    parser.add_argument("--save-every", type=int, default=50, help="steps between checkpoints")
    parser.add_argument("--evaluate-every", type=int, default=200, help="steps between points of the curve of mIoU")
    parser.add_argument("--pictures", type=int, default=120, help="of validation")
    return parser.parse_args()


def main() -> None:
    args = arguments()
    names = ("steps", "batch_size", "lr", "nouns", "assignment", "start", "seed")
    settings = GroupSettings(**{name: getattr(args, name) for name in names})
    device = resolve_device("auto")
    fresh = settings.start == "fresh"
    clip = None if fresh else ll.load_clip("toyclip", device="cpu", precision="fp32", verbose=False)
    model, model_cfg = newborn(clip, seed=settings.seed, assignment=settings.assignment)
    tokenizer = make_tokenizer("groupvit", model_cfg)
    run = Run(model.to(device), settings, normaliser(device), device, make_towers=GroupingTowers, loss=grouping_loss)
    record = {"loss": [], "segmentation": [], "groups": [], "seconds": 0.0, "sittings": 0}
    record = going_on(run, args.checkpoint) or record
    record["sittings"] += 1
    pairs = pairs_with_nouns(settings.nouns)
    stream = PairStream(
        pairs.draw, pairs.tokenize, batch_size=settings.batch_size, seed=settings.seed, start=run.step, at_once=4
    )
    began, before = time.perf_counter(), record["seconds"]
    last = min(settings.steps, args.stop_at or settings.steps)
    bar = tqdm(total=last, initial=run.step, unit="step", mininterval=5)
    recent = []
    for images, tokens in stream.loader():
        if run.step >= last:
            break
        recent.append(run.train_step(images, tokens))
        bar.update()
        if run.step % 10 == 0 or run.step == last:
            record["loss"].append([run.step, round(sum(recent) / len(recent), 4)])
            bar.set_postfix(loss=record["loss"][-1][1], scale=f"{model.logit_scale.exp().item():.1f}")
            recent = []
        record["seconds"] = round(before + time.perf_counter() - began, 1)
        if run.step % args.evaluate_every == 0 or run.step in (*EARLY, last):
            clip = frozen_copy(model, model_cfg, PREPROCESS_CFG, tokenizer, name="groupvit", device=device)
            measured, letters = segmentation(clip, args.pictures)
            record["segmentation"].append([run.step, measured])
            record["groups"].append([run.step, letters])
            bar.write(f"step {run.step}: {record['segmentation'][-1][1]}")
        if run.step % args.save_every == 0 or run.step == last:
            run.save(args.checkpoint, settings=asdict(settings), record=json.dumps(record))
    bar.close()
    about = {
        "settings": asdict(settings),
        "stopped_at": run.step,
        "pairs": run.step * settings.batch_size,
        "date": datetime.date.today().isoformat(),
        "hardware": hardware(device),
    }
    write_results(args.out, model, model_cfg, about | record)


def write_results(out: Path, model: torch.nn.Module, model_cfg: dict, record: dict) -> None:
    state = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    halved = {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
    config = {"model_cfg": model_cfg, "preprocess_cfg": PREPROCESS_CFG}
    atomic_write(out / "open_clip_config.json", json.dumps(config, indent=1).encode())
    atomic_write(out / "open_clip_model.safetensors", to_bytes(halved))
    atomic_write(out / "groupvit_training.json", json.dumps(record, indent=1).encode())
    print(f"wrote '{out}' after {record['seconds'] / 60:.1f} minutes")


if __name__ == "__main__":
    main()
