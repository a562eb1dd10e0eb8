"""What the record of all methods says: rows that can be compared, tables beside the papers', costs, and a guide's test.

A table has a row for each accuracy, as `recorded_runs.comparison` gives them. Whatever it holds is used: three seeds or
five, of a method all tasks or some. Two methods are compared where both ran.
"""

from collections.abc import Callable, Sequence
from itertools import combinations

import pandas as pd

from lessons_lib.metrics import difference, effect, interval, told, with_harmonic_mean, without_each
from lessons_lib.runs.published import NUMBERS, SHIFTS
from lessons_lib.teaching import recorded_runs, standings
from lessons_lib.toyworld import SHIFTS as OUR_SHIFTS

CELL = ["task", "on", "shots", "seed"]  # what has to agree for two accuracies of one protocol to be comparable
ORDER = [
    "ZeroShot", "ZeroShot (photo)", "LinearProbe", "TextProbe", "LP++", "CLIP-Adapter", "LinearAdapter", "ProLIP",
    "Tip-Adapter", "Tip-Adapter-F", "CoOp", "CoOp (M=4)", "CoOp (class-specific)", "CoOp (words)", "KgCoOp", "CoCoOp",
    "VPT (deep)", "IVLP (text only)", "IVLP", "MaPLe", "PromptSRC", "CLIP-LoRA", "CoOp+VPT", "DAPT",
]  # fmt: skip
PAPERS = {  # label in the record -> what the papers call it; their CoOp is the one that starts from words
    "ZeroShot": "ZeroShot", "CoOp (words)": "CoOp", "CoCoOp": "CoCoOp", "IVLP": "IVLP", "MaPLe": "MaPLe",
}  # fmt: skip
ITSELF, FOUR, TEN = "toy_things itself", "its four shifts", "ten other tasks"
PHOTO = "ZeroShot (photo)"


def runs(setting: str = "published") -> pd.DataFrame:
    """Rows of all methods of `ORDER`, in that order, with settings as published, or "searched" for each task."""
    return _in_order(recorded_runs.comparison(setting=setting))


def _in_order(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows[rows.method.isin(ORDER) & (rows.protocol != "ablation")]
    return rows.sort_values("method", key=lambda names: names.map(ORDER.index), kind="stable", ignore_index=True)


def about() -> dict:
    """How the record was made: its seeds, its core hours, and so on."""
    return recorded_runs.comparison_record()


def measured(rows: pd.DataFrame) -> pd.DataFrame:
    """The same with `what`, an ordered column: the protocol, and for few-shot whether the shots are the most."""
    most = rows.shots.max()
    few = rows.shots.map(lambda k: f"{most} shots" if k == most else "fewer shots")
    columns = ["fewer shots", f"{most} shots", "base-to-new", "cross-task", "domain shift"]
    return rows.assign(what=pd.Categorical(rows.protocol.where(rows.protocol != "few-shot", few), columns))


def few_shot(rows: pd.DataFrame, shots: int | None = None) -> pd.DataFrame:
    """Rows of few-shot, of so many shots if given."""
    rows = rows[rows.protocol == "few-shot"]
    return rows if shots is None else rows[rows.shots == shots]


def base_to_new(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of base-to-new, with on "base", "new" and, of each run, "H"."""
    found = with_harmonic_mean(rows[rows.protocol == "base-to-new"])
    return found.sort_values("method", key=lambda names: names.map(ORDER.index), kind="stable", ignore_index=True)


def away(rows: pd.DataFrame) -> pd.DataFrame:
    """What was learned on toy_things, with `where`: "toy_things itself", "its four shifts" or "ten other tasks"."""
    shift, cross = rows[rows.protocol == "domain shift"], rows[rows.protocol == "cross-task"]
    parts = {ITSELF: shift[shift.on == "test"], FOUR: shift[shift.on.isin(OUR_SHIFTS)], TEN: cross[cross.on != "test"]}
    return pd.concat([part.assign(where=where) for where, part in parts.items()], ignore_index=True)


def shared(rows: pd.DataFrame, methods: Sequence[str] | None = None) -> pd.DataFrame:
    """The rows of the cells that every method has. methods: which are compared; all that are there if None."""
    rows = rows if methods is None else rows[rows.method.isin(methods)]
    have = rows.groupby(CELL)["method"].transform("nunique")
    return rows[have == rows["method"].nunique()]


def differences(rows: pd.DataFrame, first: str, second: str, unit: str = "seed") -> pd.Series:
    """first − second on the cells that both have, a number for each seed ("seed") or for each task ("task")."""
    means = shared(rows, (first, second)).groupby([unit, "method"]).accuracy.mean().unstack()
    return means[first] - means[second]


def said(rows: pd.DataFrame, first: str, second: str, sign: int = +1, by: str = "task") -> str:
    """ "+1.2 ± 0.3; above 0: seen; without food: +0.9 ± 0.4, seen", the task being the one that moves it most."""
    rows = shared(rows, (first, second))
    found, without = difference(rows, first, second), without_each(rows, first, second, by=by).iloc[0]
    side = "above 0" if sign > 0 else "below 0"
    rest = f"without {without[by].removeprefix('toy_')}: {points(without)}, {told(without, sign)}"
    return f"{points(found)}; {side}: {told(found, sign)}; {rest}"


def points(found: dict) -> str:
    """ "+1.2 ± 0.3", or "+1.2" of a single seed."""
    width = "" if found["n"] == 1 else f" ± {found['half_width']:.1f}"
    return f"{found['mean']:+.1f}{width}"


# --- tables


def published() -> dict[str, tuple[float, float, float]]:
    """Our label -> base, new and H of the means, as the papers have them."""
    return standings.papers(PAPERS) | standings.RELEASED


def beside_papers(rows: pd.DataFrame) -> pd.DataFrame:
    """A line a method: base, new and H of the two means, the papers' (ViT-B/16, eleven data sets) and ours with
    intervals over seeds; seeds, epochs and steps of ours. rows: of `base_to_new`."""
    theirs, lines = published(), {}
    for method, part in rows.groupby("method", sort=False):
        own = theirs.get(method, (None,) * 3)
        here = standings.halves(part)
        lines[method] = {
            **{f"paper: {on}": "" if one is None else f"{one:.1f}" for on, one in zip(("base", "new", "H"), own)},
            **{on: str(interval(values)) for on, values in zip(("base", "new", "H"), here.values())},
            "seeds": str(part.seed.nunique()), **standings.lengths(part),
        }  # fmt: skip
    return pd.DataFrame(lines).T


def gain_of_search(published: pd.DataFrame, searched: pd.DataFrame) -> pd.DataFrame:
    """A row for each method that ran with both settings, and each `on`: what settings searched for each task have above
    the published ones on the tasks and seeds of both: what (the method), on, mean, half_width, n, told. Both: of
    `base_to_new`."""
    lines = []
    for method in [name for name in published.method.unique() if name in set(searched.method)]:
        own = (published[published.method == method], searched[searched.method == method])
        both = shared(pd.concat([part.assign(method=name) for part, name in zip(own, ("published", "searched"))]))
        for on, part in both.groupby("on", sort=False):
            found = difference(part, "searched", "published")
            lines.append({"what": method, "on": on, **found, "told": told(found)})
    return pd.DataFrame(lines)


def three_tasks() -> pd.DataFrame:
    """Rows of 16 shots on the three tasks that every searched method learned from: with settings searched for each
    task; what was not searched, since it has one setting or chooses by itself, stands as published."""
    rows = few_shot(_in_order(recorded_runs.comparison_with("searched")), 16)
    tasks = rows[rows.setting == "searched"].groupby("task").method.nunique()
    return rows[rows.task.isin(tasks.index[tasks == tasks.max()])]


def farther(rows: pd.DataFrame) -> pd.DataFrame:
    """A line a method that the papers carried away, too: accuracy on what it was learned on, on the four shifts, and
    on ten other tasks; the papers' (ImageNet, means) and ours. rows: of `away`."""
    lines = {}
    for method in ("ZeroShot", "CoOp (words)", "CoCoOp", "MaPLe"):
        theirs = {(n.protocol, n.on): n.accuracy for n in NUMBERS if n.method == PAPERS[method]}
        four = sum(theirs["domain shift", on] for on in SHIFTS) / len(SHIFTS)
        own = (theirs["domain shift", "test"], four, theirs.get(("cross-task", "mean")))
        line = {f"paper: {where}": "" if one is None else f"{one:.1f}"
                for where, one in zip(("ImageNet", "four shifts", "ten others"), own)}  # fmt: skip
        for where in (ITSELF, FOUR, TEN):
            part = rows[(rows.method == method) & (rows["where"] == where)]
            line[where] = str(interval(part.groupby("seed").accuracy.mean()))
        lines[method] = line
    return pd.DataFrame(lines).T


def in_papers_order(rows: pd.DataFrame, at_least: float = 1.0) -> pd.DataFrame:
    """Pairs of methods whose published H differ by so many points: first, second, paper (points of H of the means by
    which the first is above the second there), here (the same with its interval over seeds), and told. rows: of
    `base_to_new`."""
    theirs = pd.Series({method: h for method, (_, _, h) in published().items() if method in set(rows.method)})
    theirs = theirs.sort_values(ascending=False)
    halves = rows.groupby(["method", "seed", "on"]).accuracy.mean().unstack("on")
    ours = 2 * halves["base"] * halves["new"] / (halves["base"] + halves["new"])  # H of the means, by method and seed
    lines = []
    for first, second in combinations(theirs.index, 2):
        if theirs[first] - theirs[second] < at_least:
            continue
        found = effect((ours[first] - ours[second]).dropna())  # the seeds of both
        lines.append({"first": first, "second": second, "paper": theirs[first] - theirs[second],
                      "here": points(found), "told": told(found)})  # fmt: skip
    return pd.DataFrame(lines)


def costs(rows: pd.DataFrame) -> pd.DataFrame:
    """A row a method: accuracy, the mean of the runs' H, with half_width over seeds; medians of tasks and seeds of
    seconds (of a fit) and n_parameters. rows: of `base_to_new`."""
    lines = []
    for method, part in rows[rows.on == "H"].groupby("method", sort=False):
        mean = interval(part.groupby("seed").accuracy.mean())
        fits = rows[(rows.method == method) & (rows.on == "base")]
        medians = fits[["seconds", "n_parameters"]].median()
        lines.append({"method": method, "accuracy": mean.mean, "half_width": mean.half_width, **medians})
    return pd.DataFrame(lines)


def gains_by_task(rows: pd.DataFrame, over: str = "ZeroShot") -> pd.DataFrame:
    """Points above `over`, tasks × methods, means over the seeds of both; the task on which `over` is weakest first."""
    means = rows[rows.method == over].groupby("task").accuracy.mean().sort_values()
    methods = [method for method in rows.method.unique() if method != over]
    table = pd.DataFrame({method: differences(rows, method, over, "task") for method in methods})
    return table.reindex(means.index).rename(index=lambda task: task.removeprefix("toy_"))


# --- a guide


def at_shots(rows: pd.DataFrame, shots: int) -> pd.DataFrame:
    """Few-shot rows of the methods that ran on all tasks; a hand-made prompt is the same at any number of shots."""
    rows = few_shot(rows)
    zero = rows[rows.method.str.startswith("ZeroShot")].assign(shots=shots)
    learned = rows[(rows.shots == shots) & ~rows.method.str.startswith("ZeroShot")]
    whole = learned.groupby("method").task.transform("nunique") == zero.task.nunique()
    return shared(pd.concat([zero, learned[whole]], ignore_index=True))


def cases(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """What is asked -> the rows that answer it, cells that all methods share; `unit` names the tasks, or shifts."""
    carried = away(rows)
    found = {f"{k} labelled pictures a class": at_shots(rows, k) for k in sorted(few_shot(rows).shots.unique())}
    found["classes will be added (H)"] = base_to_new(rows).query("on == 'H'")
    found["other tasks, the same prompt"] = carried[carried["where"] == TEN]
    found["the pictures will look different"] = carried[carried["where"] == FOUR]
    found = {case.replace("1 labelled pictures", "1 labelled picture"): part for case, part in found.items()}
    return {case: shared(p).assign(unit=p.task if p.task.nunique() > 1 else p.on) for case, p in found.items()}


def leave_one_out(rows: pd.DataFrame, choose: Callable[[pd.Series], str]) -> pd.DataFrame:
    """Each task in turn is left out: what the other tasks choose, on this task, beside zero-shot and the best of it.

    choose: mean accuracy by method -> a method. Returns shots, task, seed, way, chosen, accuracy.
    """
    lines = []
    for shots in sorted(few_shot(rows).shots.unique()):
        part = at_shots(rows, shots)
        for task, own in part.groupby("task"):
            others = part[part.task != task].groupby("method").accuracy.mean()
            best = own.groupby("method").accuracy.mean().idxmax()
            ways = {"always zero-shot": "ZeroShot", "what ten other tasks choose": choose(others),
                    "the best, in hindsight": best}  # fmt: skip
            for way, method in ways.items():
                taken = own.loc[own.method == method, ["shots", "task", "seed", "accuracy"]]
                lines.append(taken.assign(way=way, chosen=method))
    return pd.concat(lines, ignore_index=True)
