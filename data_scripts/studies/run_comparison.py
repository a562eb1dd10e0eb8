"""Every method on the same tasks: the sweep behind lesson 09, and findings F10, F11 and F16.

    python data_scripts/studies/run_comparison.py plan              # the cells, what they cost, what is left out
    # about two hours on two cores; goes on where it stopped
    python data_scripts/studies/run_comparison.py run --part 1/2 &
    python data_scripts/studies/run_comparison.py run --part 2/2
    python data_scripts/studies/run_comparison.py collect           # the tables; `make findings` reads them

Five seeds at 16 shots, three below (five where they are recorded, and for DAPT's margin). A seed draws the shots, the
start and the order of images. Cells that `findings_prompt_learning.py` measured with the same settings are taken over,
and every row says where it is from. Nothing is chosen on test images: settings are fixed beforehand, or chosen by the
method on validation images (LinearProbe, LP++, Tip-Adapter). Images are not augmented, but for Tip-Adapter's keys.

Two hours are not enough for everything (`comparison_plan.LEFT_OUT` has it in full; `plan` prints it, and it is kept
with the results):
    few-shot      methods in the image tower and CoCoOp on three of eleven tasks; below 16 shots only MaPLe,
                  CoOp+VPT and DAPT of them, at 1 and 2; DAPT's ablations on one task
    base-to-new   CoOp+VPT and DAPT on three tasks, with three seeds
    cross-task, domain shift   three seeds for CoCoOp and MaPLe, without VPT, IVLP, CoOp+VPT and DAPT
    epochs        CoOp 50; CoOp+VPT and DAPT 10 to 50, in batches of 4 (published: 50 to 200, of 32), with one
                  learning rate; CoCoOp 5 in few-shot (published: 10)
"""

import argparse
import json
import platform
from datetime import date
from pathlib import Path

import findings_prompt_learning as prompt_learning
import pandas as pd
import torch
from comparison_plan import ABLATIONS, LEFT_OUT, METHODS, ON_FEATURES, SHARED, TEN, cells, jobs
from toy_times import toy_seconds

import lessons_lib as ll
from lessons_lib.data.toys import renderer_fingerprint
from lessons_lib.files import atomic_write
from lessons_lib.metrics import geometry as diagnostics
from lessons_lib.metrics import interval
from lessons_lib.runs import sweeps
from lessons_lib.runs.sweeps import Kept, Run
from lessons_lib.teaching import recorded_runs
from lessons_lib.toyworld import SHIFTS

ROOT = Path(__file__).resolve().parents[2]
PARTS = ROOT / "build" / "comparison"
OUT = recorded_runs.RECORDED
THIS, OTHER = "run_comparison.py", "findings_prompt_learning.py"  # in the column `script`


# --- what there is, and what is to do


def recorded_rows(clip_fingerprint: str) -> pd.DataFrame:
    """The rows of prompt learning's sweep whose cells are the same as here; none, if it was of another CLIP."""
    rows = recorded_runs.prompt_learning()
    record = json.loads((OUT / "prompt_learning_findings.json").read_text(encoding="utf-8"))
    if record["clip"] != clip_fingerprint:
        return rows[:0]
    there = {run.content for run in prompt_learning.plan()}
    same = {(*run.cell, seed) for run, seed in jobs() if run.content in there}
    return rows[[key in same for key in map(tuple, rows[sweeps.KEY].values)]]


def missing_jobs(recorded: pd.DataFrame) -> list[sweeps.Job]:
    """Those that are not taken over."""
    there = set(map(tuple, recorded[sweeps.KEY].values))
    return [(run, seed) for run, seed in jobs() if (*run.cell, seed) not in there]


def print_plan() -> None:
    recorded = recorded_rows(toyclip().fingerprint)
    todo = missing_jobs(recorded)
    table = pd.DataFrame(
        {"protocol": r.protocol, "method": r.label, "shots": r.shots, "runs": 1, "core seconds": toy_seconds(r)}
        for r, _ in todo
    )
    print(table.groupby(["protocol", "method", "shots"], sort=False).sum().round().astype(int).to_string())
    total = table["core seconds"].sum()
    print(f"\n{len(jobs()) - len(todo)} runs are taken over from {OTHER}; {len(todo)} are to do.")
    print(f"About {total:.0f} core seconds, in two parts side by side {total / 7200:.1f} hours.\n")
    print("Left out or shortened:", *LEFT_OUT, sep="\n- ")


# --- running


def toyclip() -> ll.Clip:
    return ll.load_clip("toyclip", device="cpu", precision="fp32", verbose=False)


def carry(run: Run, seed: int, clip: ll.Clip, path: Path) -> None:
    """As `sweeps.carry_out`; of the methods that DAPT is compared with, also how their embeddings lie."""
    made = []

    def make():
        made.append(run.make(clip))
        return made[-1]

    sweeps.carry_out(run, seed, clip, path, make)
    if not wants_dispersion(run):
        return
    kept = Kept(path.with_name(f"dispersion-{path.name}"))
    key = dict(zip(sweeps.KEY, [*run.cell, seed]), settings=run.digest(clip))
    if not kept.has(key):
        task = sweeps.task_of(run.task).sample(run.shots, seed=seed)
        [method] = made
        if method.classnames is None:  # its accuracy was there, and so it was not fitted
            method.fit(task, seed=seed, progress=False, **run.fit)
        kept.add([{**key, "on": "train", "accuracy": method.score(task.train), **dispersion(method, task)}])


def wants_dispersion(run: Run) -> bool:
    return run.protocol == "few-shot" and run.shots == 16 and run.method == "DAPT"


@torch.no_grad()
def dispersion(method: ll.DAPT, task: ll.Task) -> dict[str, float]:
    """How far apart the texts lie, and how wide a class's training images are scattered."""
    return {
        "inter_class_dispersion": diagnostics.inter_class_dispersion(method.text_features()),
        "intra_class_variance": diagnostics.intra_class_variance(method.features(task.train), task.train.labels),
    }


# --- collecting


def gather(clip: ll.Clip) -> pd.DataFrame:
    """The rows of the complete seeds: those taken over, then those run here with the settings of the plan."""
    recorded = recorded_rows(clip.fingerprint).assign(script=OTHER)
    rows = sweeps.parts_rows(PARTS)
    wanted = {(*run.cell, seed, run.digest(clip)) for run, seed in missing_jobs(recorded)}
    rows = rows[[key in wanted for key in map(tuple, rows[[*sweeps.KEY, "settings"]].values)]]
    rows = pd.concat([recorded, rows.drop(columns="settings").assign(script=THIS)], ignore_index=True)
    return by_protocol(sweeps.whole_seeds(rows, jobs()))


def by_protocol(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of "transfer", one fit tested on tasks and on shifts, as rows of "cross-task" and of "domain shift"."""
    carried = rows[rows.protocol == "transfer"]
    parts = [rows[rows.protocol != "transfer"]]
    for protocol, others in (("cross-task", TEN), ("domain shift", SHIFTS)):
        parts.append(carried[carried.on.isin(["test", *others])].assign(protocol=protocol))
    return pd.concat(parts).sort_values([*sweeps.KEY, "on"], ignore_index=True)


def gather_dispersion(clip: ll.Clip, seeds: list[int]) -> pd.DataFrame:
    """How embeddings lie, of these seeds: a row a method, task and seed. Raises SystemExit where one is missing."""
    files = sorted(PARTS.glob("dispersion-part-*.csv"))
    rows = pd.concat([Kept(path).table for path in files] or [Kept(None).table], ignore_index=True)
    wanted = {(*run.cell, seed, run.digest(clip)) for run, seed in jobs() if wants_dispersion(run) and seed in seeds}
    rows = rows[[key in wanted for key in map(tuple, rows[[*sweeps.KEY, "settings"]].values)]]
    rows = rows.drop_duplicates(sweeps.KEY, keep="last")
    if len(rows) < len(wanted):
        raise SystemExit(f"{len(wanted) - len(rows)} measurements of dispersion are missing: run the sweep again")
    return rows.drop(columns="settings").round(5).sort_values(sweeps.KEY, ignore_index=True)


def report(rows: pd.DataFrame) -> str:
    """Markdown: accuracy at 16 shots on the three tasks that all methods share, and on all eleven."""
    few = rows[(rows.protocol == "few-shot") & (rows.shots == 16)].sort_values("method", key=in_order, kind="stable")
    lines = ["| method, 16 shots | three tasks | eleven tasks |", "|---|---|---|"]
    for label in few.method.unique():
        if label in ABLATIONS:
            continue
        own = few[few.method == label]
        shared = interval(own[own.task.isin(SHARED)].groupby("seed").accuracy.mean())
        eleven = interval(own.groupby("seed").accuracy.mean()) if label in ON_FEATURES else ""
        lines.append(f"| {label} | {shared} | {eleven} |")
    return "\n".join(lines) + "\n"


def in_order(labels: pd.Series) -> pd.Series:
    """Sorts methods as the plan has them."""
    return labels.map(list(METHODS).index)


def collect(out: Path) -> None:
    clip = toyclip()
    rows = gather(clip)
    seeds = sorted(int(seed) for seed in rows.seed.unique())
    spread = gather_dispersion(clip, seeds)
    table, small = (frame.to_csv(index=False).encode() for frame in (rows, spread))
    plan = sorted({run.content for run, _ in cells()})
    ours = rows[rows.script == THIS].drop_duplicates(["method", "task", "shots", "seed", "seconds"])
    record = {
        "script": f"data_scripts/{THIS}",
        "date": date.today().isoformat(),
        "fingerprint": sweeps.fingerprint(plan, clip.fingerprint),
        "clip": clip.fingerprint,
        "world": renderer_fingerprint(),
        "tables": {name: recorded_runs.digest(text) for name, text in (("rows", table), ("dispersion", small))},
        "seeds": seeds,
        "versions": {"python": platform.python_version(), "torch": torch.__version__, "lessons_lib": ll.__version__},
        "core_hours": round(ours.seconds.sum() / 3600, 2),
        "taken_over": f"rows with script {OTHER}: the same settings, measured by data_scripts/{OTHER}",
        "left_out": LEFT_OUT,
        "seconds": "of fitting, on busy cores; an image's frozen features, and Tip-Adapter's views, count for the "
        "method that needed them first",
        "plan": [json.loads(content) for content in plan],
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, text in (
        (recorded_runs.COMPARISON.name, table),
        (recorded_runs.DISPERSION.name, small),
        (recorded_runs.COMPARISON.with_suffix(".json").name, (json.dumps(record, indent=1) + "\n").encode()),
    ):
        atomic_write(out / name, text)
    print(f"{report(rows)}\nnow: make findings, and python data_scripts/studies/update_readme.py")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["plan", "run", "collect"])
    parser.add_argument("--part", default="1/1", help="which part of how many, such as 1/2")
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    if args.what == "plan":
        print_plan()
    elif args.what == "collect":
        collect(args.out)
    else:
        clip = toyclip()
        todo = missing_jobs(recorded_rows(clip.fingerprint))
        sweeps.run_part(todo, *sweeps.part_of(args.part), PARTS, clip, cost=toy_seconds, carry=carry)


if __name__ == "__main__":
    main()
