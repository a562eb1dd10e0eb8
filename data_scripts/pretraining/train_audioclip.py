"""Trains AudioCLIPs around ToyCLIP, and measures what sounds with their pictures and names teach: lesson 16's study.

    python data_scripts/pretraining/train_audioclip.py try --arm "three pairs" --steps 60 0   # one arm, briefly
    python data_scripts/pretraining/train_audioclip.py plan       # what there is to do
    python data_scripts/pretraining/train_audioclip.py run        # about five hours on one quiet core; goes on
    python data_scripts/pretraining/train_audioclip.py collect    # the record
    python data_scripts/pretraining/train_audioclip.py noise      # a second record: all arms in noise, from checkpoints
    python data_scripts/pretraining/train_audioclip.py ship       # the audio towers that lesson 16 loads

Nine arms, three seeds: one, two and three pairs, each with CLIP frozen (partial) and trained along (full); bridging,
where the sounds of six classes meet pictures alone, beside an arm that never hears them; and pairs that are permuted.
Killed at any moment, the same command goes on from the last checkpoint (build/audioclip). There are the audio towers of
"three pairs" and "bridging" as well, for `load_audio_tower`: seed 0's ship in 16 bits, measured as they ship.
The published training is SGD at 5e-5 for 50 epochs of batch 64, on the audio tower that AudioSet taught before; here it
is AdamW, at 2e-3 for audio and 2e-4 where all learn, for 600 batches of 64, from nothing. Its augmentations (reversed,
stretched, padded, noisy sounds) are left out: every sound is a fresh one.
"""

import argparse
import datetime
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd
from audioclip_work import (
    ARMS,
    LR,
    NAMES,
    PICTURES,
    TOWERS,
    AudioStudy,
    cells,
    finished,
    in_faint_noise,
    measured,
    toyclip_fingerprint,
    trained,
)

import lessons_lib as ll
from lessons_lib.clip.audio_files import load_audio_tower, save_audio_tower
from lessons_lib.runs import Plan, Store
from lessons_lib.runs.study import Study, main
from lessons_lib.teaching import recorded_runs, sealed_json, trained_models

SEEDS = range(3)
WORK = AudioStudy()
SHIPPED = {"three pairs": "audioclip", "bridging": "audioclip_bridging"}
assert SHIPPED.keys() == set(TOWERS)


def stages(store: Store) -> Iterator[Plan]:
    yield Plan(WORK, cells(SEEDS), {"study": STUDY.name})


def about(rows: pd.DataFrame) -> dict:
    return {"clip": toyclip_fingerprint(), "seeds": sorted(map(int, rows.seed.unique())), "chance": 100 / len(NAMES)}


STUDY = Study("audioclip", "data_scripts/pretraining/train_audioclip.py", recorded_runs.RECORDED, stages, about=about)


def try_one(arguments: list[str]) -> dict[str, float]:
    """One arm, as far as asked: prints what it measures."""
    parser = argparse.ArgumentParser(prog="train_audioclip.py try")
    parser.add_argument("--arm", choices=list(ARMS), default="three pairs")
    parser.add_argument("--steps", type=int, nargs=2, default=(60, 0), help="of each stage")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pictures", type=int, default=4, help="a class, to measure on")
    parser.add_argument("--out", type=Path, default=Path("build", "audioclip", "tries"))
    asked = parser.parse_args(arguments)
    arm = replace(ARMS[asked.arm], steps=tuple(asked.steps), batch=asked.batch, seed=asked.seed)
    clip = ll.load_clip("toyclip", verbose=False)
    model = trained(clip, arm, asked.out)
    found = {row.on: round(row.value, 2) for row in measured(clip, model, asked.pictures)}
    print(json.dumps(found | {"chance": round(100 / len(NAMES), 2)}, indent=1))
    return found


def noise(arguments: list[str]) -> None:
    """Measures every training that is at its end in noise of several levels; the record says which there are.

    Those whose checkpoints are not here stay as they were measured before, with the same CLIP.
    """
    parser = argparse.ArgumentParser(prog="train_audioclip.py noise")
    parser.add_argument("--checkpoints", type=Path, default=WORK.folder, help="where `run` wrote them")
    parser.add_argument("--out", type=Path, default=recorded_runs.RECORDED)
    asked = parser.parse_args(arguments)
    clip = ll.load_clip("toyclip", device="cpu", precision="fp32", verbose=False)
    rows, known = [], earlier(asked.out)
    for arm in cells(SEEDS):
        if (model := finished(clip, arm, asked.checkpoints)) is not None:
            said = {"arm": arm.arm, "seed": arm.seed}
            rows += [said | {"noise": level, "accuracy": value} for level, value in in_faint_noise(clip, model).items()]
            print(rows[-1])
        else:
            rows += [row for row in known if (row["arm"], row["seed"]) == (arm.arm, arm.seed)]
    if not rows:
        raise SystemExit(f"no training is at its end in '{asked.checkpoints}': go on with `python {STUDY.script} run`")
    about = {"clip": toyclip_fingerprint(), "date": datetime.date.today().isoformat(), "rows": rows}
    print(f"wrote '{sealed_json.write('audioclip_noise', about, asked.out)}'")


def earlier(folder: Path) -> list[dict]:
    """The rows of the record in noise that is there, of this CLIP."""
    if not (folder / "audioclip_noise.json").exists():
        return []
    found = sealed_json.read("audioclip_noise", f"{STUDY.script} noise", folder)
    return found["rows"] if found["clip"] == toyclip_fingerprint() else []


def ship(arguments: list[str]) -> None:
    """Keeps seed 0's towers in the package, those that are there, and measures each as it ships."""
    parser = argparse.ArgumentParser(prog="train_audioclip.py ship")
    parser.add_argument("--towers", type=Path, default=WORK.folder, help="where `run` wrote them")
    parser.add_argument("--pictures", type=int, default=PICTURES, help="a class, to measure on")
    parser.add_argument("--out", type=Path, default=trained_models.TRAINED)
    asked = parser.parse_args(arguments)
    clip = ll.load_clip("toyclip", device="cpu", precision="fp32", verbose=False)
    for arm, name in SHIPPED.items():
        path = asked.towers / f"{arm.replace(' ', '_')}_seed0.safetensors"
        if not path.is_file():
            print(f"'{path}' is not there yet: go on with `python {STUDY.script} run`")
            continue
        whole = load_audio_tower(path, clip).model
        rounded = save_audio_tower(whole, asked.out / f"{name}.safetensors", clip, half=True)
        model = load_audio_tower(rounded, clip).model
        found = {row.on: round(row.value, 2) for row in measured(clip, model, asked.pictures)}
        settings = asdict(ARMS[arm])
        about = {
            "date": datetime.date.today().isoformat(),
            "hardware": trained_models.hardware(clip.device),
            "settings": {"audio_cfg": model.audio_cfg} | {key: settings[key] for key in ("pairs", "learns", "bridged")},
            "fit": {"lr": LR["audio"], "steps": settings["steps"], "batch_size": settings["batch"], "seed": 0},
            "arm": arm,
            "measured": found,
        }
        print(f"wrote '{trained_models.keep_tower(name, model, clip, about, asked.out)}': {found}")


if __name__ == "__main__":
    own = {"try": try_one, "noise": noise, "ship": ship}
    if sys.argv[1:2] and sys.argv[1] in own:
        own[sys.argv[1]](sys.argv[2:])
    else:
        main(STUDY, __doc__)
