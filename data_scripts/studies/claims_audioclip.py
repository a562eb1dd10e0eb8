"""What AudioCLIP claims (Guzhov et al., ICASSP 2022), computed from the table of its study alone.

F51   sounds find their names                                      zero-shot, above chance
F52   bridging: sounds that met pictures alone find names, too     above an arm that never heard them
F53   more pairs are better: three, two, one
F54   training all towers is better on sound than the audio tower alone ("full", "partial")
F55   after full training pictures no longer go with CLIP's own texts; after partial training they do
F56   pairs that are permuted teach nothing                        at chance

F53 and F54 are judged in noise, the mean of five levels (`train_audioclip.py noise`): every arm tells quiet sounds
right, and under the study's own noise, 6 decibels louder than the sound, none does. The levels were chosen when the
first tower's answers to test sounds were known.
"""

from pathlib import Path

import pandas as pd

from lessons_lib.metrics import effect, finding, is_beyond
from lessons_lib.runs import record
from lessons_lib.teaching import recorded_runs, sealed_json

NAME, SCRIPT = "audioclip", "data_scripts/pretraining/train_audioclip.py"
CHANCE = 100 / 24
AT_CHANCE = 3.0  # points from chance, interval included, that still count as at chance
CLAIMS = {
    "F51": "sounds find their names among 24 without a labelled example",
    "F52": "sounds that met pictures alone find their names",
    "F53": "three pairs of modalities teach more than two, and two more than one",
    "F54": "training all towers hears better than training the audio tower against a frozen CLIP",
    "F55": "full training breaks compatibility with CLIP's own texts; partial training keeps it",
    "F56": "permuted pairs stay at chance",
}


def recorded_claims(folder: Path = recorded_runs.RECORDED) -> dict[str, dict]:
    """F51 to F56 of the record; nothing where there is none yet."""
    if not (folder / f"{NAME}.json").exists():
        return {}
    noise = pd.DataFrame(sealed_json.read(f"{NAME}_noise", f"{SCRIPT} noise", folder)["rows"])
    return of_audioclip(record.read(folder, NAME, SCRIPT).rows, noise)


def of_audioclip(rows: pd.DataFrame, noise: pd.DataFrame) -> dict[str, dict]:
    """rows: arm, seed, on, accuracy (percent); noise: arm, seed, noise (decibels), accuracy."""

    def scores(arm: str, on: str) -> pd.Series:
        """By seed."""
        chosen = rows[(rows.arm == arm) & (rows.on == on)]
        return chosen.set_index("seed").accuracy.sort_index()

    def gain(first: str, second: str, on: str) -> dict:
        return effect((scores(first, on) - scores(second, on)).dropna())

    def gain_in_noise(first: str, second: str) -> dict:
        means = noise.groupby(["arm", "seed"]).accuracy.mean()
        return effect((means[first] - means[second]).dropna())

    def above_chance(arm: str, on: str) -> dict:
        return effect(scores(arm, on) - CHANCE)

    three, full = "three pairs", "three pairs, full"
    found = {
        "F51": finding(
            CLAIMS["F51"],
            ("three pairs − chance, all sounds", above_chance(three, "sounds"), +1),
            other={"bridging − chance, the other 18 classes": above_chance("bridging", "others")},
        ),
        "F52": finding(
            CLAIMS["F52"],
            ("bridging − chance, six classes", above_chance("bridging", "bridged"), +1),
            ("bridging − six unheard, six classes", gain("bridging", "six unheard", "bridged"), +1),
            other={"bridging − three pairs, six classes": gain("bridging", three, "bridged")},
        ),
        "F53": finding(
            CLAIMS["F53"],
            ("full: three pairs − two, in noise", gain_in_noise(full, "two pairs, full"), +1),
            ("full: two pairs − one, in noise", gain_in_noise("two pairs, full", "one pair, full"), +1),
            other={
                "partial: three pairs − two, in noise": gain_in_noise(three, "two pairs"),
                "partial: two pairs − one, in noise": gain_in_noise("two pairs", "one pair"),
                "full: three pairs − two, quiet": gain(full, "two pairs, full", "sounds"),
                "full: two pairs − one, quiet": gain("two pairs, full", "one pair, full", "sounds"),
            },
        ),
        "F54": finding(
            CLAIMS["F54"],
            ("full − partial, in noise", gain_in_noise(full, three), +1),
            other={"full − partial, quiet": gain(full, three, "sounds")},
        ),
        "F55": finding(
            CLAIMS["F55"],
            ("full − partial, pictures with the old texts", gain(full, three, "pictures, old texts"), -1),
            ("full − partial, sounds with the old texts", gain(full, three, "sounds, old texts"), -1),
            other={"full − partial, pictures with their own texts": gain(full, three, "pictures")},
        ),
        "F56": {
            "claim": CLAIMS["F56"],
            "effects": {"permuted − chance, all sounds": above_chance("permuted", "sounds")},
        },
    }
    (left,) = found["F56"]["effects"].values()
    near = abs(left["mean"]) + left["half_width"] < AT_CHANCE
    found["F56"]["seen"] = near and not is_beyond(left, +1)
    return found
