"""Rows as the comparison would have them, were the papers right, or wrong; nothing is trained."""

import dataclasses

import comparison_plan as plan
import numpy as np
import pandas as pd
from embeddings import Fit

from lessons_lib.runs import Cell
from lessons_lib.toyworld import ELEVEN, SHIFTS

FEW = {  # method -> points above zero-shot at 16 shots of all classes
    "LinearProbe": 5, "TextProbe": 12, "LP++": 12, "CLIP-Adapter": 10, "LinearAdapter": 12, "ProLIP": 12,
    "Tip-Adapter": 6, "Tip-Adapter-F": 16, "CoOp": 11, "CoOp (words)": 10, "KgCoOp": 9, "CoCoOp": 9, "VPT (deep)": 6,
    "IVLP (text only)": 8, "IVLP": 10, "MaPLe": 11, "PromptSRC": 11, "CLIP-LoRA": 12, "CoOp+VPT": 11, "DAPT": 13,
}  # fmt: skip
NEW = {  # method -> (base, new) above zero-shot
    "ZeroShot": (0, 0), "ZeroShot (photo)": (-1, -1), "CoOp": (13, -12), "CoOp (words)": (12, -10), "CoCoOp": (10, -2),
    "VPT (deep)": (8, -1), "IVLP (text only)": (9, -1), "IVLP": (11, 0), "MaPLe": (12, 2), "MaPLe†": (12, 1),
    "MaPLe (depth 1)": (8, -1), "MaPLe (depth 2)": (9, 0), "MaPLe (depth 3)": (12, 2), "MaPLe (depth 4)": (12, 1),
    "MaPLe (length 1)": (10, 3), "MaPLe (length 4)": (13, -2),
}  # fmt: skip
LEVEL = {task: 40 + 4 * i for i, task in enumerate(ELEVEN)}  # of zero-shot
LENGTH = {"published": 5, "searched": 10}  # epochs
MARGIN = {1: 0.0, 2: -0.5, 16: 2.0}  # of DAPT, by shots


def best_of(cell: Cell) -> dict:
    """What a made-up search finds best."""
    if cell.label.startswith("DAPT"):
        return {"lr": 0.2, "beta_v": 100.0}
    epochs = {"MaPLe": 10, "CoCoOp": 10, "CoOp": 200, "CoOp+VPT": 24}
    rate = {"MaPLe": 10 * 0.0035, "CoCoOp": 3 * 0.002, "CoOp": 0.002, "CoOp+VPT": 0.02}
    return {"lr": rate[cell.label], "epochs": epochs[cell.label]}


def found_settings() -> plan.Found:
    """As if each search had found its first values."""
    return {key: dataclasses.replace(cell, fit={**cell.fit, "lr": 0.01}) for key, cell in plan.to_search().items()}


def rows(sign: int = 1, noise: float = 0.2, margin: dict[int, float] = MARGIN) -> pd.DataFrame:
    """Every cell of the plan; `sign` -1 turns every gain round. What a seed does to all methods is large."""
    draws, table = np.random.default_rng(0), []
    for cell in [*plan.published(), *plan.searched(found_settings())]:
        protocol, setting = cell.called.split(", ")
        about = {"protocol": protocol.replace("transfer", "domain shift"), "setting": setting, "method": cell.label,
                 "task": cell.task, "shots": cell.shots, "seed": cell.seed, "lr": 0.1, "epochs": LENGTH[setting],
                 "steps": 100 if cell.task != "toy_things" else 200}  # fmt: skip
        for on, gain in gains_of(cell, margin).items():
            noisy = noise * draws.standard_normal() * (not cell.label.startswith("ZeroShot"))
            accuracy = LEVEL[cell.task] + cell.seed + sign * gain + noisy
            table.append({**about, "on": on, "accuracy": accuracy})
    return pd.DataFrame(table)


def gains_of(cell: Cell, margin: dict[int, float]) -> dict[str, float]:
    weak, few = (80 - LEVEL[cell.task]) / 20, np.log2(cell.shots)  # gains are larger where zero-shot is weak
    if cell.protocol == "base-to-new":
        base, new = NEW.get(cell.label, (5, 0))
        return {"base": base * weak, "new": new * weak}
    if cell.others:
        shifts = {shift: {"CoOp": 1, "CoOp (M=4)": 3}.get(cell.label, 0) for shift in SHIFTS}
        return {"test": {"CoOp": 8, "CoOp (M=4)": 5}.get(cell.label, 0), **shifts}
    if cell.label == "DAPT":
        return {"test": FEW["CoOp+VPT"] * few / 4 + margin[cell.shots]}
    if cell.label == "LinearProbe":
        return {"test": weak * 2 * (1 + few) - 20 + 5 * few}
    if cell.label.startswith("CoOp (class"):
        return {"test": weak * 2 * (1 + few) + 2 * (few - 2)}
    if cell.label in ("CoOp", "CoOp (M=4)"):
        return {"test": weak * 2 * (few + (cell.label == "CoOp"))}
    gain = {"Tip-Adapter-F": 30, "CLIP-Adapter": 10}.get(cell.label, FEW.get(cell.label, 0))
    return {"test": gain * few / 4}


def spread(sign: int = 1, noise: float = 0.001) -> pd.DataFrame:
    """DAPT's texts lie farther apart than CoOp+VPT's, and its images closer together; the contrary with `sign` -1."""
    draws, table = np.random.default_rng(1), []
    for cell in plan.searched(found_settings()):
        if isinstance(cell, Fit):
            more = 0.1 * sign * (cell.label == "DAPT")
            lie = {"inter_class_dispersion": 1 + more, "intra_class_variance": 0.3 * (1 - more)}
            lie = {name: value + noise * draws.standard_normal() for name, value in lie.items()}
            about = {"protocol": "few-shot", "method": cell.label, "task": cell.task, "shots": 16, "seed": cell.seed}
            table.append({**about, "setting": "searched", "on": "train", "accuracy": 90.0, **lie})
    return pd.DataFrame(table)
