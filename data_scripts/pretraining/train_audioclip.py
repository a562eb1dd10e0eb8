"""Trains AudioCLIPs around ToyCLIP, and measures what sounds with their pictures and names teach: lesson 16's study.

    python data_scripts/pretraining/train_audioclip.py try --arm "three pairs" --steps 60 0   # one arm, briefly
    python data_scripts/pretraining/train_audioclip.py plan       # what there is to do
    python data_scripts/pretraining/train_audioclip.py run        # about five hours on one quiet core; goes on
    python data_scripts/pretraining/train_audioclip.py collect    # the record

Nine arms, three seeds: one, two and three pairs, each with CLIP frozen (partial) and trained along (full); bridging,
where the sounds of six classes meet pictures alone, beside an arm that never hears them; and pairs that are permuted.
Killed at any moment, the same command goes on from the last checkpoint (build/audioclip). There are the audio towers of
"three pairs" and "bridging" as well, for `load_audio_tower`.
The published training is SGD at 5e-5 for 50 epochs of batch 64, on the audio tower that AudioSet taught before; here it
is AdamW, at 2e-3 for audio and 2e-4 where all learn, for 600 batches of 64, from nothing. Its augmentations (reversed,
stretched, padded, noisy sounds) are left out: every sound is a fresh one.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
from audioclip_work import ARMS, NAMES, AudioStudy, cells, measured, toyclip_fingerprint, trained

import lessons_lib as ll
from lessons_lib.runs import Plan, Store
from lessons_lib.runs.study import Study, main
from lessons_lib.teaching import recorded_runs

SEEDS = range(3)
WORK = AudioStudy()


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


if __name__ == "__main__":
    if sys.argv[1:2] == ["try"]:
        try_one(sys.argv[2:])
    else:
        main(STUDY, __doc__)
