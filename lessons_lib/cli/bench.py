"""`lessons bench`: run methods × tasks × shots × seeds into one file, and go on where it was stopped."""

import argparse
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lessons_lib.cli.arguments import (
    WARM_UP_ALONE,
    add_clip_options,
    add_data_options,
    aligned,
    at_least,
    method_named,
    shows_progress,
    value_of,
)
from lessons_lib.files import expanded

if TYPE_CHECKING:
    import pandas as pd

    from lessons_lib.runs import Bench, Plan, Summary

EXAMPLES = """\
examples:
  lessons bench --methods ZeroShot CoOp --tasks toy_pets toy_food --shots 1 4 16 --seeds 1 2 3
  lessons bench --methods all --tasks eleven --protocol few-shot --store eleven.sqlite --processes 2
  lessons bench --methods CoOp Tip-F=TipAdapter --set Tip-F.finetune=true --fit CoOp.epochs=50 --tasks toy_satellite
  lessons bench --methods CoOp MaPLe --tasks eurosat dtd --protocol base-to-new --root DATA --model ViT-B-16-quickgelu --pretrained openai
  lessons bench sweep.yaml --dry-run
  lessons bench sweep.yaml --engine ray --gpus-per-run 0.25

A YAML file has the same words as keys; options given beside it take their place:
  methods: {CoOp: CoOp, Tip-F: TipAdapter}
  tasks: [toy_pets, toy_satellite]
  shots: [1, 4, 16]
  seeds: [1, 2, 3]
  protocol: few-shot        # or base-to-new, folds, cross-task, domain shift
  settings: {Tip-F: {finetune: true}}
  fit: {CoOp: {epochs: 50}}

Every run is kept when it is done. The same command goes on where it stopped, and tries failed runs again.
'lessons report FILE' shows what is done, also meanwhile. The exit status is 1 where runs failed.
"""  # noqa: E501
STORE = "runs.sqlite"
SHORTHANDS = {"eleven": "the eleven toy tasks", "papers": "the eleven published data sets"}


def add(commands) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        "bench", help="run many, keep every result", description=__doc__.partition(": ")[2], epilog=EXAMPLES
    )
    parser.add_argument("file", nargs="?", metavar="YAML", help="the sweep, if it is not given by options")
    sweep = parser.add_argument_group("the sweep")
    sweep.add_argument("--methods", nargs="+", metavar="METHOD", help="names, LABEL=NAME, or all")
    sweep.add_argument("--tasks", nargs="+", metavar="TASK", help="names, folders, eleven (toy tasks), or papers")
    sweep.add_argument("--shots", nargs="+", type=at_least(1), metavar="K", help="images a class (default: 16)")
    sweep.add_argument("--seeds", nargs="+", type=at_least(0), metavar="SEED", help="default: 1 2 3")
    sweep.add_argument("--protocol", help="few-shot (default), base-to-new, folds, cross-task, domain-shift")
    sweep.add_argument("--folds", type=at_least(2), metavar="N", help="into how many the classes are cut, of folds")
    sweep.add_argument("--others", nargs="+", metavar="TASK", help="what is carried to; default: the papers' choice")
    sweep.add_argument("--set", action="append", metavar="METHOD.NAME=VALUE", help="a setting; repeatable")
    sweep.add_argument("--fit", action="append", metavar="METHOD.NAME=VALUE", help="such as CoOp.epochs=50")
    running = parser.add_argument_group("how it runs")
    running.add_argument(
        "--store", metavar="FILE", help=f"where runs are kept (default: the YAML's name .sqlite, or {STORE})"
    )
    running.add_argument("--dry-run", action="store_true", help="say what would run and how long, and stop")
    running.add_argument("--engine", default="local", help="local (default), or ray, a cluster that runs already")
    running.add_argument("--processes", type=at_least(1), metavar="N", help="runs at a time (default: one a core)")
    running.add_argument(
        "--retries", type=at_least(0), default=1, metavar="N", help="of a run that crashed (default: 1)"
    )
    running.add_argument("--address", default="auto", help="of the Ray cluster (default: auto)")
    running.add_argument("--gpus-per-run", type=float, metavar="SHARE", help="such as 0.25")
    running.add_argument("--cpus-per-run", type=float, default=1, metavar="CORES", help="default: 1")
    add_clip_options(parser)
    add_data_options(parser)
    parser.set_defaults(device=None, precision=None, skip_unreadable=None)  # None: as the YAML file says
    return parser


def run(args: argparse.Namespace) -> int:
    from lessons_lib.runs import Store
    from lessons_lib.runs import run as carry_out

    spec, path = spec_of(args), store_path(args)
    plan = spec.plan()
    if args.dry_run:
        time_a_step(plan, args.processes if args.engine == "local" else 1)
    print(in_words(spec, plan, path, args.engine, args.processes), flush=True)
    if args.dry_run:
        return 0
    settings = {"processes": args.processes, "retries": args.retries, "progress": shows_progress()}
    if args.engine == "ray":
        settings |= {name: getattr(args, name) for name in ("address", "gpus_per_run", "cpus_per_run")}
    with Store(path) as store:
        try:
            summary = carry_out(plan, store, args.engine, **settings)
        except RuntimeError as error:  # another sweep writes the file, no process can be started
            raise ValueError(str(error)) from error
        status = store.status(plan)
    print(ending(summary, status, path))
    return 1 if summary.failed else 0


def spec_of(args: argparse.Namespace) -> "Bench":
    """The sweep of the YAML file, of the options, or of both, where the options come first."""
    from lessons_lib.runs import Bench

    given = options(args)
    if args.file is not None:
        spec = Bench.from_yaml(args.file)
        return Bench(**merged(spec.to_dict(), given)) if given else spec
    missing = [f"--{name}" for name in ("methods", "tasks") if name not in given]
    if missing:
        raise ValueError(f"say what to run: a YAML file, or {' and '.join(missing)}")
    return Bench(**given)


def merged(spec: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """What is given takes the place of what was there; of settings and fit, one by one."""
    ours = {
        name: {label: spec[name].get(label, {}) | given[name].get(label, {}) for label in (*spec[name], *given[name])}
        for name in ("settings", "fit")
        if name in given
    }
    return spec | given | ours


def options(args: argparse.Namespace) -> dict[str, Any]:
    """What the options say of the sweep, as arguments of `Bench`."""
    plain = ("shots", "seeds", "others", "folds")
    plain += ("model", "pretrained", "device", "precision", "root", "skip_unreadable")
    given = {name: getattr(args, name) for name in plain}
    given["protocol"] = args.protocol.replace("domain-shift", "domain shift") if args.protocol else None
    given["methods"] = methods_of(args.methods) if args.methods else None
    given["tasks"] = tasks_of(args.tasks) if args.tasks else None
    given["settings"], given["fit"] = dotted(args.set, "--set"), dotted(args.fit, "--fit")
    return {name: value for name, value in given.items() if value}


def methods_of(words: list[str]) -> dict[str, str]:
    """["CoOp", "Tip-F=TipAdapter"] -> {"CoOp": "CoOp", "Tip-F": "TipAdapter"}; "all" for every method."""
    from lessons_lib.methods import METHODS

    if words == ["all"]:
        return {name: name for name in METHODS}
    found: dict[str, str] = {}
    for word in words:
        label, equals, name = word.partition("=")
        method = method_named(name if equals else label).__name__
        found[label if equals else method] = method
    return found


def tasks_of(words: list[str]) -> list[str]:
    """Names and folders as they are; "eleven" and "papers" are the toy tasks and the published sets."""
    from lessons_lib.data.names import papers_eleven, toy_eleven

    lists = dict(zip(SHORTHANDS, (toy_eleven(), papers_eleven())))
    return [task for word in words for task in lists.get(word, [word])]


def dotted(given: list[str] | None, option: str) -> dict[str, dict[str, Any]]:
    """["CoOp.epochs=50"] -> {"CoOp": {"epochs": 50}}. Raises ValueError."""
    found: dict[str, dict[str, Any]] = {}
    for word in given or ():
        name, equals, text = word.partition("=")
        label, dot, argument = name.rpartition(".")
        if not (equals and dot and label and argument):
            raise ValueError(f"{option} {word}: write METHOD.NAME=VALUE, such as CoOp.epochs=50")
        found.setdefault(label, {})[argument] = value_of(text)
    return found


def time_a_step(plan: "Plan", processes: int | None) -> None:
    """With the threads that each of the sweep's processes has."""
    import torch

    from lessons_lib.threads import cores, of_each

    before = torch.get_num_threads()
    torch.set_num_threads(of_each(min(len(plan), processes or cores())))
    try:
        plan.work.measure(plan.cells, shows_progress())
    finally:
        torch.set_num_threads(before)


def store_path(args: argparse.Namespace) -> Path:
    if args.store:
        return expanded(args.store)
    return expanded(args.file).with_suffix(".sqlite") if args.file else Path(STORE)


def in_words(spec: "Bench", plan: "Plan", path: Path, engine: str, processes: int | None) -> str:
    """What there is to run, what of it is done, and about how long the rest takes."""
    from lessons_lib.runs import Store, estimate
    from lessons_lib.runs.sqlite_file import Unfinished
    from lessons_lib.threads import cores

    total, status = len(plan), None
    if path.is_file():
        with suppress(Unfinished), Store(path, read_only=True) as store:
            status = store.status(plan)
    left = total - (0 if status is None else int((status["state"] == "done").sum()))
    lists = {name: getattr(spec, name) for name in ("methods", "tasks", "shots", "seeds")}
    lines = [f"{spec.clip}, {spec.protocol}", *(f"  {name} {', '.join(map(str, one))}" for name, one in lists.items())]
    counts = [len(one) for one in lists.values()]
    if spec.folds is not None:
        counts.insert(2, spec.folds if isinstance(spec.folds, int) else len(spec.folds))
        lines.append(f"  folds {spec.folds if isinstance(spec.folds, int) else ', '.join(spec.folds)}")
    if spec.others:
        lines.append(f"  carried to {', '.join(spec.others)}")
    done = f"; {total - left} of them are done in '{path}'" if left < total else f", kept in '{path}'"
    lines.append(f"{' × '.join(map(str, counts))} = {total} runs{done}")
    if short := plan.work.only_warming_up(plan.cells):
        lines.append(f"note: {', '.join(short)}: {WARM_UP_ALONE}")
    if left:
        seconds = estimate.seconds_left(plan, status)
        at_a_time = min(left, processes or cores()) if engine == "local" else 1
        if seconds is None:
            lines.append("how long it takes shows after the first runs")
        elif engine == "local":
            where = f"on {at_a_time} process{'es' * (at_a_time > 1)} of a core each"
            lines.append(f"estimate: about {estimate.in_words(seconds / at_a_time)} for {left} runs {where}")
        else:
            took = estimate.in_words(seconds)
            lines.append(f"estimate: about {took} on one process, divided by how many the cluster holds")
    return "\n".join(lines)


def ending(summary: "Summary", status: "pd.DataFrame", path: Path) -> str:
    """What became of the sweep, with the runs that failed."""
    lines = [f"{summary.done} runs done, {summary.skipped} were done before, {summary.failed} failed"]
    failed = status[status["state"] == "failed"]
    if len(failed):
        lines.append(aligned(failed[["method", "task", "shots", "seed", "attempts", "error"]]))
        lines.append("the same command tries them again")
    return "\n".join([*lines, f"tables: lessons report {path}"])
