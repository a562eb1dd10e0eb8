"""What is compared: every method, as its paper publishes it and with what a search found for the task.

`run_comparison.py` runs it. Settings are searched with six fits of a method and task (`lessons_lib.runs.search`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from claims import ABLATED_COCOOP, ABLATED_MAPLE, ABLATIONS, SHOTS
from embeddings import Fit

from lessons_lib.runs import Cell
from lessons_lib.runs.search import Grids, Times
from lessons_lib.toyworld import ELEVEN, SHIFTS

SEEDS, FEW_SEEDS, SEARCH_SEED = (1, 2, 3, 4, 5), (1, 2, 3), 6  # no mean is of the seed that searched
SHARED = ("toy_pets", "toy_textures", "toy_satellite")  # the tasks on which costly methods learn from all classes, too
TEN = tuple(task for task in ELEVEN if task != "toy_things")
PAIR = ("CoOp+VPT", "DAPT")
PUBLISHED, SEARCHED = "published", "searched"

# Six fits of a method and task: five rates, then another length at the best of them.
RATES = Times(1, 3, 10, 30, 100)
LONGER = {"lr": RATES, "epochs": Times(1, 2)}  # the published schedule is a twelfth of the papers' steps here
SHORTER = {"lr": RATES, "epochs": (50, 200)}  # CoOp's is long here, too
HELD = {"lr": RATES, "epochs": (300, 100)}
PUBLISHED_RATES = (0.002, 0.02, 0.2, 2.0, 20.0)  # what DAPT's authors found, from one data set to another
OF_PAIR = {"lr": PUBLISHED_RATES, "epochs": (12, 24)}
OF_DAPT = {"lr": PUBLISHED_RATES, "beta_v": (10.0, 100.0)}


@dataclass(frozen=True)
class Compared:
    """A method with its settings. searched: what of them is; empty where it learns nothing, or chooses by itself.

    published: its published setting is run.   fit: what is given while the rate is searched.   short: what few-shot
    runs are given.
    """

    method: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    searched: Grids = field(default_factory=dict)
    published: bool = True
    fit: Mapping[str, Any] = field(default_factory=dict)
    short: Mapping[str, Any] = field(default_factory=dict)


WORDS = {"ctx_init": "a photo of a"}
LIKE_COOP = {"searched": SHORTER, "fit": {"epochs": 50}, "short": {"epochs": 50}}
LIKE_DAPT = {"published": False, "fit": {"epochs": 12, "batch_size": 4}}  # few epochs are many steps
ON_FEATURES = {  # these learn in seconds
    "ZeroShot": Compared("ZeroShot"),
    "ZeroShot (photo)": Compared("ZeroShot", {"templates": "a photo of a {}."}),
    "LinearProbe": Compared("LinearProbe"),
    "TextProbe": Compared("TextProbe"),
    "LP++": Compared("LPPlusPlus"),
    "CLIP-Adapter": Compared("CLIPAdapter", searched=SHORTER, fit={"epochs": 50}),
    "LinearAdapter": Compared("LinearAdapter", searched=HELD),
    "ProLIP": Compared("ProLIP", searched=HELD),
    "Tip-Adapter": Compared("TipAdapter"),
    "Tip-Adapter-F": Compared("TipAdapter", {"finetune": True}),
    "CoOp": Compared("CoOp", **LIKE_COOP),
    "CoOp (words)": Compared("CoOp", WORDS, **LIKE_COOP),
    "KgCoOp": Compared("KgCoOp", searched={"lr": RATES, "epochs": (50, 100)}, fit={"epochs": 50}),
}
COSTLY = {
    "CoCoOp": Compared("CoCoOp", searched={"lr": RATES, "epochs": (5, 10)}, fit={"epochs": 5}),
    "VPT (deep)": Compared("VPT", {"depth": 6}, searched=LONGER),
    "IVLP (text only)": Compared("IVLP", {"n_ctx_text": 4, "n_ctx_vision": 0}, searched=LONGER),
    "IVLP": Compared("IVLP", searched=LONGER),
    "MaPLe": Compared("MaPLe", searched=LONGER),
    "PromptSRC": Compared("PromptSRC"),
    "CLIP-LoRA": Compared("CLIPLoRA", searched={"lr": RATES, "epochs": (10, 20)}, published=False,
                          fit={"epochs": 10}),
    "CoOp+VPT": Compared("DAPT", {"beta_t": 0.0, "beta_v": 0.0}, searched=OF_PAIR, **LIKE_DAPT),
    "DAPT": Compared("DAPT", searched=OF_DAPT, **LIKE_DAPT),
}  # fmt: skip
METHODS = ON_FEATURES | COSTLY
CARRIES_OVER = ("ZeroShot", "ZeroShot (photo)", "CLIP-Adapter", "LinearAdapter", "ProLIP", "CoOp", "CoOp (words)",
                "KgCoOp", "CoCoOp", "VPT (deep)", "IVLP (text only)", "IVLP", "MaPLe", "PromptSRC")  # fmt: skip
ON_THREE = ("CLIP-LoRA", *PAIR)  # these learn in minutes
TRANSFERRED = ("ZeroShot", "ZeroShot (photo)", "CLIP-Adapter", "CoOp", "CoOp (words)", "KgCoOp", "CoCoOp", "MaPLe")
CLASSES_OF_THEIR_OWN = ("LinearProbe", "TextProbe", "LP++", "Tip-Adapter", "Tip-Adapter-F")
LEFT_OUT = [
    "CLIP-LoRA as published: 500 steps times the shots, in batches of 32 pictures through both towers, is most of an "
    "hour a fit; it has 10 or 20 epochs",
    f"{', '.join(ON_THREE)}: three tasks (pets, textures, satellite); CoOp+VPT and DAPT have 12 or 24 epochs in "
    "batches of 4 (published: 50 to 200, of 32), and no setting that is published, since their paper searches it for "
    "each data set",
    "PromptSRC: base-to-new with published settings alone, three seeds (a fit takes ten times MaPLe's time)",
    "few-shot: CoOp has 50 epochs at every number of shots (published: up to 200); CoCoOp and methods in the image "
    "tower on three tasks, at 16 shots alone, with the settings that were found",
    "few-shot, below 16 shots: published settings; searched ones of CoOp+VPT and DAPT alone; three seeds but for "
    "LinearProbe, CoOp and that pair",
    "class-specific CoOp: 1 and 16 shots, without toy_things",
    "cross-task and domain shift: published settings; three seeds for CoCoOp and MaPLe; without VPT, IVLP, PromptSRC, "
    "CLIP-LoRA, CoOp+VPT and DAPT",
    f"{', '.join(CLASSES_OF_THEIR_OWN)} know no other classes than those that they were fitted on: few-shot and domain "
    "shift alone",
    "ablations: two or three tasks; MaPLe's and CoCoOp's with the settings that were found for MaPLe and CoCoOp",
]

Found = Mapping[tuple[str, str], Cell]  # label, task -> with the settings that were found


def published(seeds: Sequence[int] = SEEDS) -> list[Cell]:
    """Seed by seed, so that what there is after a while covers whole seeds."""
    return [cell for seed in seeds for cell in _published(seed)]


def searched(found: Found, seeds: Sequence[int] = SEEDS) -> list[Cell]:
    """The same with settings that were found; DAPT and what it is compared with are, at 16 shots, `Fit`s."""
    return [cell for seed in seeds for cell in _searched(seed, found)]


def to_search() -> dict[tuple[str, str], Cell]:
    """What a search is made for, with what is given while the first of its settings is searched."""
    return {
        (label, task): Cell(
            "base-to-new validation", label, one.method, task, 16, SEARCH_SEED, one.settings, one.fit, called="search"
        )
        for label, one in METHODS.items()
        if one.searched
        for task in (SHARED if label in ON_THREE else ELEVEN)
    }


def _published(seed: int) -> Iterator[Cell]:
    def cell(protocol: str, label: str, task: str, shots: int = 16, called: str = "", **changes) -> Cell:
        one = METHODS[label]
        fit = one.short if protocol != "base-to-new" else {}
        cell = Cell(protocol, label, one.method, task, shots, seed, one.settings, fit)
        return changed(cell, called=f"{called or protocol}, {PUBLISHED}", **changes)

    for label in ON_FEATURES:
        for shots in SHOTS if label not in ("ZeroShot", "ZeroShot (photo)") else (16,):
            if shots == 16 or seed in FEW_SEEDS or label in ("LinearProbe", "CoOp"):
                yield from (cell("few-shot", label, task, shots) for task in ELEVEN)
    for task in ELEVEN:
        # no rows to share: 64 contexts of 16 take too long
        for shots in (1, 16) if task != "toy_things" else ():
            own = {"class_specific": True}
            yield cell("few-shot", "CoOp", task, shots, named="CoOp (class-specific)", settings=own)
        yield cell("few-shot", "CoOp", task, named="CoOp (M=4)", settings={"n_ctx": 4})
    for label in CARRIES_OVER:
        if seed in FEW_SEEDS or label != "PromptSRC":
            yield from (cell("base-to-new", label, task) for task in ELEVEN)
    for label in TRANSFERRED:
        if seed in FEW_SEEDS or label not in COSTLY:
            maple = {"settings": {"prompt_depth": 1}, "fit": {"lr": 0.0026, "epochs": 2}} if label == "MaPLe" else {}
            others = (*TEN, *SHIFTS)
            yield cell("cross-task", label, "toy_things", others=others, called="transfer", **maple)
    yield cell("domain shift", "CoOp", "toy_things", named="CoOp (M=4)", settings={"n_ctx": 4}, others=tuple(SHIFTS))
    for label in CLASSES_OF_THEIR_OWN:
        yield cell("domain shift", label, "toy_things", others=tuple(SHIFTS))


def _searched(seed: int, found: Found) -> Iterator[Cell]:
    def cell(protocol: str, label: str, task: str, shots: int = 16, called: str = "", **changes) -> Cell:
        kind = Fit if label in PAIR and shots == 16 else Cell  # of these, also how embeddings lie
        best = found[label, task]
        cell = kind(protocol, label, best.method, task, shots, seed, best.settings, best.fit)
        return changed(cell, called=f"{called or protocol}, {SEARCHED}", **changes)

    for label, task in found:
        if label not in PAIR:
            yield cell("base-to-new", label, task)
        if label in ON_FEATURES or task in SHARED:
            yield cell("few-shot", label, task)
    for task in SHARED:
        for label in PAIR:
            yield from (cell("few-shot", label, task, shots) for shots in (1, 2))
        for named, settings in ABLATIONS.items():
            yield cell("few-shot", "DAPT", task, named=named, settings=settings)
        for named, settings in ABLATED_MAPLE.items():
            yield cell("base-to-new", "MaPLe", task, called="ablation", named=named, settings=settings)
        for named, settings in ABLATED_COCOOP.items() if seed in FEW_SEEDS else ():
            yield cell("base-to-new", "CoCoOp", task, called="ablation", named=named, settings=settings)


def changed(cell: Cell, *, named: str = "", settings: Mapping[str, Any] | None = None, **changes) -> Cell:
    """named: its label.   settings: beside those that it has."""
    return replace(cell, label=named or cell.label, settings={**cell.settings, **(settings or {})}, **changes)
