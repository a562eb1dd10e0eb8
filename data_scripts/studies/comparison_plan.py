"""What lesson 09 compares: every cell of the sweep with its seeds, and what is left out.

`run_comparison.py` runs it. What `findings_prompt_learning.py` has measured with the same settings is not run again.
"""

from claims import ABLATIONS
from embeddings import Fit

from lessons_lib.runs import Cell
from lessons_lib.toyworld import ELEVEN, SHIFTS

SEEDS, FEW_SEEDS = (1, 2, 3, 4, 5), (1, 2, 3)
FEW = (1, 2, 4, 8)
SHARED = ("toy_pets", "toy_textures", "toy_satellite")  # the tasks on which costly methods learn, too
TEN = tuple(task for task in ELEVEN if task != "toy_things")
ABLATED = ("toy_satellite",)
PAIR = ("CoOp+VPT", "DAPT")
PAIR_EPOCHS = {1: 50, 2: 25, 16: 12}  # by shots
PAIR_BATCH = 4  # few epochs are many steps: validation accuracy of satellite and textures 87 and 57, not 68 and 19
LEFT_OUT = [
    "CoOp: 50 epochs at every number of shots in few-shot, cross-task and domain shift (published: up to 200)",
    f"CoOp+VPT, DAPT and its ablations: epochs by shots {PAIR_EPOCHS} in few-shot, 10 in base-to-new, in batches of "
    f"{PAIR_BATCH} (published: 50 to 200, of 32); one learning rate, 0.02, and one pair of betas for all tasks "
    "(published: searched for each)",
    "CoCoOp: 5 epochs in few-shot (published: 10)",
    "few-shot, CoCoOp and methods in the image tower: three tasks (pets, textures, satellite), without VPT "
    "(shallow); DAPT's ablations: one (satellite)",
    "few-shot, shots below 16: none of CoCoOp, VPT, IVLP and DAPT's ablations; 1 and 2 alone of MaPLe, CoOp+VPT and "
    "DAPT (the last two with five seeds)",
    "base-to-new: CoOp+VPT and DAPT on the same three tasks, three seeds; without VPT (shallow) and DAPT's ablations",
    "cross-task and domain shift: three seeds for CoCoOp and MaPLe; without VPT, IVLP, CoOp+VPT, DAPT and its "
    "ablations",
    "LinearProbe, TextProbe, LP++ and Tip-Adapter know no other classes than those that they were fitted on: few-shot "
    "and domain shift alone",
]

ON_FEATURES = {  # label -> method, settings: these learn in minutes on all eleven tasks
    "ZeroShot": ("ZeroShot", {}),
    "LinearProbe": ("LinearProbe", {}),
    "TextProbe": ("TextProbe", {}),
    "LP++": ("LPPlusPlus", {}),
    "CLIP-Adapter": ("CLIPAdapter", {}),
    "Tip-Adapter": ("TipAdapter", {}),
    "Tip-Adapter-F": ("TipAdapter", {"finetune": True}),
    "CoOp": ("CoOp", {}),
    "KgCoOp": ("KgCoOp", {}),
}
COSTLY = {
    "CoCoOp": ("CoCoOp", {}),
    "VPT (deep)": ("VPT", {"depth": 6}),
    "IVLP": ("IVLP", {}),
    "MaPLe": ("MaPLe", {}),
    "CoOp+VPT": ("DAPT", {"beta_t": 0.0, "beta_v": 0.0}),
    "DAPT": ("DAPT", {}),
    **{label: ("DAPT", settings) for label, settings in ABLATIONS.items()},
}
METHODS = ON_FEATURES | COSTLY
CARRIES_OVER = ("ZeroShot", "CLIP-Adapter", "CoOp", "KgCoOp", "CoCoOp", "MaPLe")
COSTLY_FEW = {"MaPLe": (1, 2), "CoOp+VPT": (1, 2), "DAPT": (1, 2)}  # shots below 16


def cells() -> list[Cell]:
    """Seed by seed, method by method. Of the methods that DAPT is compared with, at 16 shots, also how their embeddings
    lie: these cells are `Fit`s."""
    return [cell for seed in SEEDS for cell in of_seed(seed)]


def of_seed(seed: int) -> list[Cell]:
    found = []

    def add(protocol: str, label: str, task: str, shots: int = 16, seeds: tuple[int, ...] = SEEDS, **more) -> None:
        method, settings = METHODS[label]
        called = more.get("called") or protocol
        fit = {"epochs": epochs} if (epochs := epochs_of(called, method, shots)) else {}
        if method == "DAPT":
            fit["batch_size"] = PAIR_BATCH
        kind = Fit if method == "DAPT" and protocol == "few-shot" and shots == 16 else Cell
        if seed in seeds:
            found.append(kind(protocol, label, method, task, shots, seed, settings, fit, **more))

    for label in ON_FEATURES:
        for task in ELEVEN:
            add("few-shot", label, task)
            for shots in FEW if label != "ZeroShot" else ():
                add("few-shot", label, task, shots, SEEDS if label in ("LinearProbe", "CoOp") else FEW_SEEDS)
    for label in COSTLY:
        for task in SHARED if label not in ABLATIONS else ABLATED:
            add("few-shot", label, task)
            for shots in COSTLY_FEW.get(label, ()):
                add("few-shot", label, task, shots, SEEDS if label in PAIR else FEW_SEEDS)
    for label in (*CARRIES_OVER, *PAIR, "VPT (deep)", "IVLP"):
        for task in SHARED if label in PAIR else ELEVEN:
            add("base-to-new", label, task, seeds=FEW_SEEDS if label in PAIR else SEEDS)
    for label in METHODS:
        seeds = FEW_SEEDS if label in COSTLY else SEEDS
        if label in ("ZeroShot", "CoOp"):  # apart, since the shifts are recorded
            add("cross-task", label, "toy_things", others=TEN)
            add("domain shift", label, "toy_things", others=tuple(SHIFTS))
        elif label in CARRIES_OVER:  # fitted once, tested on both
            add("cross-task", label, "toy_things", seeds=seeds, others=(*TEN, *SHIFTS), called="transfer")
        elif label in ON_FEATURES:
            add("domain shift", label, "toy_things", others=tuple(SHIFTS))
    return found


def epochs_of(protocol: str, method: str, shots: int) -> int | None:
    """None for the published ones."""
    if method == "CoOp":
        return None if protocol == "base-to-new" else 50
    if method == "DAPT":
        return PAIR_EPOCHS[shots] if protocol == "few-shot" else 10
    return 5 if method == "CoCoOp" and protocol == "few-shot" else None
