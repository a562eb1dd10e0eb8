"""`lessons fit METHOD TASK`: learn from a few images a class, say how good it is, and keep it in a file."""

import argparse
import time
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from lessons_lib.cli.arguments import (
    WARM_UP_ALONE,
    add_clip_options,
    add_data_options,
    at_least,
    check_names,
    load_clip,
    load_task,
    make_method,
    method_named,
    one_of,
    pairs,
    part_of,
    shots_of,
    shows_progress,
)
from lessons_lib.files import check_output, expanded

if TYPE_CHECKING:
    from lessons_lib.data import Split, Task
    from lessons_lib.methods import Method

EXAMPLES = """\
examples:
  lessons fit ZeroShot toy_pets
  lessons fit CoOp toy_flowers --shots 16 --seed 1 --out coop.safetensors
  lessons fit CoOp toy_flowers --set n_ctx=4 --set class_token_position=middle --epochs 50
  lessons fit TipAdapter path/to/photos --shots 4 --set finetune=true --out mine.safetensors
  lessons fit MaPLe eurosat --root DATA --model ViT-B-16-quickgelu --pretrained openai --classes base

Without --epochs, --lr and --batch-size, a method takes its published ones.
"""


def add(commands) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        "fit", help="fit a method to a task, and keep it", description=__doc__.partition(": ")[2], epilog=EXAMPLES
    )
    parser.add_argument("method", metavar="METHOD", help="such as CoOp, MaPLe, TipAdapter")
    parser.add_argument("task", metavar="TASK", help="a toy task, a published data set, or a folder of photos")
    parser.add_argument(
        "--shots", type=shots_of, default=16, metavar="K", help="training images a class, or 'all' (default: 16)"
    )
    parser.add_argument(
        "--seed", type=at_least(0), default=1, help="draws the images, the start and the order (default: 1)"
    )
    parser.add_argument(
        "--classes", type=one_of("all", "base"), default="all", metavar="WHICH", help="all (default), or base: half"
    )
    parser.add_argument("--set", action="append", metavar="NAME=VALUE", help="a setting of the method; repeatable")
    training = parser.add_argument_group("training")
    training.add_argument("--epochs", type=at_least(1))
    training.add_argument("--lr", type=float)
    training.add_argument("--batch-size", type=at_least(1))
    training.add_argument("--views", metavar="K", help="plain (default), a number of augmented views, or fresh")
    training.add_argument("--checkpoint", metavar="FILE", help="written after every epoch; a stopped fit goes on there")
    parser.add_argument("--out", metavar="FILE", help="where to keep the fitted method (.safetensors)")
    parser.add_argument("--force", action="store_true", help="write over what --out names")
    add_clip_options(parser)
    add_data_options(parser)
    return parser


def run(args: argparse.Namespace) -> int:
    check_out(args)
    settings = pairs(args.set)
    method_type = method_named(args.method)
    training = training_of(args, method_type)
    task = part_of(load_task(args, shots=args.shots, seed=args.seed), args.classes)
    method = make_method(method_type, load_clip(args), settings)
    print(task)
    seconds = fit(method, task, training)
    path = keep(method, expanded(args.out), args.force) if args.out else None  # before what could fail
    print(summary(method, task, seconds))
    if path:
        print(f"kept in '{path}' ({path.stat().st_size / 1e3:,.0f} kB):  lessons eval {path} {args.task}")
    return 0


def check_out(args: argparse.Namespace) -> None:
    """Before any work is done. Raises FileExistsError unless --force, ValueError for a folder or what is read, and
    OSError for a device."""
    for name, given, inputs in (
        ("--out", args.out, (args.checkpoint, args.pretrained)),
        ("--checkpoint", args.checkpoint, (args.pretrained,)),
    ):
        if given is None:
            continue
        path = expanded(given)
        if path.is_dir():
            raise ValueError(f"{name} '{given}' is a folder: give a file, such as '{path / 'method.safetensors'}'")
        check_output(path, inputs=inputs)
    if args.out and expanded(args.out).exists() and not args.force:
        raise FileExistsError(f"'{args.out}' exists: give another --out, or --force to write over it")


def keep(method: "Method", path: Path, force: bool) -> Path:
    """Saves the method. Raises FileExistsError where another program made the file since the fit began: what was
    learned is then kept under the next free name, which the error says."""
    try:
        return method.save(path, replace=force)
    except FileExistsError as error:
        for number in count(2):
            with suppress(FileExistsError):
                other = method.save(path.with_name(f"{path.stem}-{number}{path.suffix}"), replace=False)
                break
        raise FileExistsError(
            f"'{path}' was made by another program while this one fitted, and was not written over: what was learned "
            f"here is in '{other}'"
        ) from error


def training_of(args: argparse.Namespace, method: type["Method"]) -> dict:
    """The arguments of `method.fit` that the options name. Raises ValueError for one that the method does not take."""
    views = int(args.views) if args.views and args.views.isdecimal() else args.views
    asked = {"epochs": args.epochs, "lr": args.lr, "batch_size": args.batch_size, "views": views}
    asked |= {"checkpoint": args.checkpoint}
    given = {name: value for name, value in asked.items() if value is not None}
    known = method.fit_arguments()
    options = [f"--{name.replace('_', '-')}" for name in asked if name in known]
    for name in given:
        check_names([f"--{name.replace('_', '-')}"], options, f"fitting {method.__name__} takes no")
    always = {"seed": args.seed, "progress": shows_progress()}
    return given | {name: value for name, value in always.items() if name in known}


def fit(method: "Method", task: "Task", training: dict) -> float:
    """Seconds."""
    start = time.perf_counter()
    method.fit(task, **training)
    return time.perf_counter() - start


def summary(method: "Method", task: "Task", seconds: float) -> str:
    count, history = method.n_parameters, method.history
    learned = f"{count:,} numbers learned in {seconds:.1f} s" if count else "nothing to learn"
    if history:
        learned += f" ({len(history)} epochs, loss {history[0]['loss']:.3f} → {history[-1]['loss']:.3f})"
    scores = {"validation": task.val, "test": task.test}
    lines = [f"{type(method).__name__} on {task.name}: {learned}"]
    if history and len(history) <= method.WARMUP_EPOCHS:
        lines.append(f"  note: {WARM_UP_ALONE}")
    lines += [f"  {name:<10}  {scored(method, split)}" for name, split in scores.items()]
    return "\n".join(lines)


def scored(method: "Method", split: "Split") -> str:
    """ "71.2 % of 900 images"; with the metric's name where the kind has several."""
    if len(split) == 0:
        return "no images"
    measured = method.measure(split)
    named = [f"{value:.1f} %" + (f" {name}" if len(measured) > 1 else "") for name, value in measured.items()]
    return f"{', '.join(named)} of {len(split):,} images"
