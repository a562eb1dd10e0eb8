"""Pre-trains ToyCLIP on ToyWorld: three hours on two CPU cores that have nothing else to do, minutes on a GPU.

    python data_scripts/pretraining/pretrain_toyclip.py --steps 3000                  # made the weights in the package
    torchrun --nproc_per_node 4 data_scripts/pretraining/pretrain_toyclip.py          # several GPUs
    python data_scripts/pretraining/pretrain_toyclip.py --steps 200 --out /tmp/trial  # a trial run

Killed at any moment, the same command goes on from the last checkpoint, on the same pairs, to the same loss. Writes
toyclip.safetensors (float16) and toyclip_training.json (settings, hardware, duration, curves) to --out, by default
into the package.
"""

import argparse
import datetime
import json
import os
import time
from dataclasses import asdict
from pathlib import Path

import open_clip
import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
from tqdm.auto import tqdm

from lessons_lib import toyworld
from lessons_lib.clip import Clip
from lessons_lib.clip.building import make_tokenizer
from lessons_lib.clip.copies import frozen_copy
from lessons_lib.device import resolve_device
from lessons_lib.files import atomic_write, from_json
from lessons_lib.pretrain.gathering import gathered
from lessons_lib.pretrain.loop import PairStream, Run, Settings
from lessons_lib.pretrain.losses import clip_loss
from lessons_lib.sealed import to_bytes
from lessons_lib.teaching.trained_models import hardware

PACKAGE = Path(__file__).resolve().parents[2] / "lessons_lib" / "clip" / "toyclip"
VALIDATION_SEED = 1_000  # other pictures than any split that lessons and tests are scored on


def zero_shot(clip: Clip, per_class: int) -> dict[str, float]:
    """Percent right on freshly drawn validation pictures of each task, by its first template."""
    accuracy = {}
    for name in [*toyworld.ELEVEN, "toy_words"]:
        spec = toyworld.TASKS[name]
        scenes, labels = toyworld.draw_scenes(name, "val", seed=VALIDATION_SEED, per_class=per_class)
        f = clip.encode_images(clip.preprocess_tensor(scenes.render()))
        w = clip.encode_texts([spec.templates[0].replace("{}", c) for c in spec.classnames])
        accuracy[name] = round(100 * ((f @ w.T).argmax(1).cpu() == labels).float().mean().item(), 1)
    return accuracy


def going_on(run: Run, checkpoint: Path) -> dict | None:
    """The record of a run that was begun, which is then as it was left; None where there is no checkpoint."""
    if not checkpoint.exists():
        return None
    try:
        saved = run.load(checkpoint)
    except (OSError, ValueError) as error:
        raise SystemExit(str(error)) from None
    if saved["settings"] != asdict(run.settings):
        raise SystemExit(
            f"'{checkpoint}' belongs to a run with other settings ({saved['settings']}): "
            "delete it, or name another --checkpoint"
        )
    print(f"going on from step {run.step} of {run.settings.steps}")
    return from_json(saved["record"])


def arguments() -> argparse.Namespace:
    defaults = Settings()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=defaults.steps)
    parser.add_argument("--stop-at", type=int, help="end at this step of the schedule (default: at its last)")
    parser.add_argument("--batch-size", type=int, default=defaults.batch_size)
    parser.add_argument("--lr", type=float, default=defaults.lr)
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--out", type=Path, default=PACKAGE)
    parser.add_argument("--checkpoint", type=Path, default=Path("build/pretrain/toyclip.pt"))
    parser.add_argument("--save-every", type=int, default=100, help="steps between checkpoints")
    parser.add_argument(
        "--keep-at", type=int, nargs="*", default=[], help="steps whose weights are kept beside the checkpoint"
    )
    parser.add_argument("--evaluate-every", type=int, default=500, help="steps between points of the zero-shot curve")
    parser.add_argument("--per-class", type=int, default=8, help="validation pictures a class")
    return parser.parse_args()


def main() -> None:
    args = arguments()
    settings = Settings(steps=args.steps, batch_size=args.batch_size, lr=args.lr, seed=args.seed)
    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    device = resolve_device("auto")
    if device.type != "cpu":
        device = torch.device(device.type, int(os.environ.get("LOCAL_RANK", 0)))
    if world > 1:
        dist.init_process_group(dist.get_default_backend_for_device(device))
    cfg = from_json((PACKAGE / "toyclip.json").read_text())
    preprocess_cfg = cfg.pop("preprocess_cfg")
    cfg["vision_cfg"]["patch_dropout"] = settings.patch_dropout
    tokenizer = make_tokenizer("toyclip", cfg)
    torch.manual_seed(settings.seed)
    model = open_clip.model.CLIP(**cfg).to(device)
    mean, std = (torch.tensor(preprocess_cfg[k], device=device)[:, None, None] for k in ("mean", "std"))
    run = Run(
        model, settings, lambda images: (images.float() / 255 - mean) / std, device,
        loss=clip_loss if world == 1 else gathered(clip_loss),
        wrap=(lambda m: m) if world == 1 else DistributedDataParallel,
    )  # fmt: skip
    record = {"loss": [], "zero_shot": [], "seconds": 0.0, "sittings": 0}
    record = going_on(run, args.checkpoint) or record
    record["sittings"] += 1
    stream = PairStream(
        toyworld.draw_pairs,
        tokenizer,
        batch_size=settings.batch_size // world,
        seed=settings.seed,
        start=run.step,
        rank=rank,
    )
    began, before = time.perf_counter(), record["seconds"]
    last = min(settings.steps, args.stop_at or settings.steps)
    bar = tqdm(total=last, initial=run.step, unit="step", disable=rank > 0, mininterval=5)
    recent = []
    for images, tokens in stream.loader():
        if run.step >= last:
            break
        recent.append(run.train_step(images, tokens))
        bar.update()
        if run.step % 20 == 0:
            record["loss"].append([run.step, round(sum(recent) / len(recent), 4)])
            bar.set_postfix(loss=record["loss"][-1][1], scale=f"{model.logit_scale.exp().item():.1f}")
            recent = []
        done = run.step == last
        record["seconds"] = round(before + time.perf_counter() - began, 1)
        if rank == 0 and (run.step % args.evaluate_every == 0 or done):
            scores = zero_shot(frozen_copy(model, cfg, preprocess_cfg, tokenizer, device=device), args.per_class)
            record["zero_shot"].append([run.step, scores])
            mean_score = sum(scores[t] for t in toyworld.ELEVEN) / len(toyworld.ELEVEN)
            bar.write(f"step {run.step}: mean of the eleven {mean_score:.1f} %  {scores}")
        if rank == 0 and (run.step % args.save_every == 0 or done):
            run.save(args.checkpoint, settings=asdict(settings), record=json.dumps(record))
        if rank == 0 and run.step in args.keep_at:
            write_weights(args.checkpoint.with_name(f"toyclip_step{run.step}.safetensors"), model)
    bar.close()
    if rank == 0:
        write_results(
            args.out,
            model,
            {
                "settings": asdict(settings),
                "stopped_at": run.step,
                "pairs": run.step * settings.batch_size,
                "date": datetime.date.today().isoformat(),
                "hardware": {**hardware(device), "processes": world},
                **record,
            },
        )
    if world > 1:
        dist.destroy_process_group()


def write_weights(path: Path, model: torch.nn.Module) -> None:
    weights = {k: v.detach().to("cpu", torch.float16).contiguous() for k, v in model.state_dict().items()}
    atomic_write(path, to_bytes(weights))


def write_results(out: Path, model: torch.nn.Module, record: dict) -> None:
    write_weights(out / "toyclip.safetensors", model)
    atomic_write(out / "toyclip_training.json", json.dumps(record, indent=1).encode())
    print(f"wrote '{out / 'toyclip.safetensors'}' after {record['seconds'] / 60:.1f} minutes")


if __name__ == "__main__":
    main()
