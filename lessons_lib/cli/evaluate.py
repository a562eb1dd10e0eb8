"""`lessons eval FILE TASK`: load a fitted method and measure it, on its own classes or carried to others."""

import argparse
from typing import TYPE_CHECKING

from lessons_lib.cli.arguments import add_clip_options, add_data_options, aligned, load_clip, load_task, one_of, part_of
from lessons_lib.cli.fit import scored

if TYPE_CHECKING:
    from lessons_lib.data import Task
    from lessons_lib.methods import Method

EXAMPLES = """\
examples:
  lessons eval coop.safetensors toy_flowers                   the whole test split
  lessons eval coop.safetensors toy_flowers --per-class       and what each class is taken for
  lessons eval coop.safetensors toy_flowers --classes new     the classes that --classes base was not fitted on
  lessons eval coop.safetensors toy_pets                      learned prompts, carried to other classes
  lessons eval mine.safetensors path/to/photos
  lessons eval b16.safetensors eurosat --root DATA --pretrained openai

A folder without test/ has 30 % of each class held out for testing, the same images every time.
"""


def add(commands) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        "eval", help="measure a fitted method", description=__doc__.partition(": ")[2], epilog=EXAMPLES
    )
    parser.add_argument("file", metavar="FILE", help="what 'lessons fit --out' or method.save wrote")
    parser.add_argument("task", metavar="TASK", help="a toy task, a published data set, or a folder of photos")
    parser.add_argument("--per-class", action="store_true", help="a row a class: right, and most often taken for")
    parser.add_argument(
        "--classes", type=one_of("all", "base", "new"), default="all", metavar="WHICH", help="all (default), base, new"
    )
    parser.add_argument(
        "--split", type=one_of("test", "val"), default="test", metavar="PART", help="test (default), or val"
    )
    add_clip_options(parser)
    add_data_options(parser)
    return parser


def run(args: argparse.Namespace) -> int:
    import pandas as pd

    from lessons_lib.methods import load_method

    model = fitted_on(args.file, args.pretrained)
    task = part_of(load_task(args), args.classes)
    method = load_method(args.file, load_clip(args, model))
    ready = for_task(method, task)
    split = getattr(task, args.split)
    name = type(method).__name__
    if ready is not method:
        print(f"carried from {len(method.classnames)} classes to the {len(task.classnames)} of {task.name}")
    print(f"{name} on {task.name}, {args.split}: {scored(ready, split)}")
    if args.per_class:
        print(aligned(pd.DataFrame(ready.by_class(split))))
    return 0


def fitted_on(file: str, pretrained: str | None) -> str:
    """The name of the CLIP that a saved method belongs to. Raises ValueError where its weights have to be named."""
    from lessons_lib.methods.saving import read_header

    name = read_header(file)["clip_name"]
    if pretrained is None and name != "toyclip" and ":" not in name:
        raise ValueError(f"'{file}' was fitted on {name}: say on which weights with --pretrained, such as openai")
    return name


def for_task(method: "Method", task: "Task") -> "Method":
    """The method itself where it knows the task's classes, else carried to them."""
    return method if method.classnames == list(task.classnames) else method.for_classes(task.classnames)
