"""`lessons progress`: which exercises of your worksheets are solved, as far as what you saved shows it."""

import argparse
from pathlib import Path

from lessons_lib.cli.lessons import WORKSHEETS, chosen, notebook
from lessons_lib.worksheets import progress

EXAMPLES = """\
examples:
  lessons progress               of the worksheets in worksheets/
  lessons progress my_sheets     of those in another folder

An exercise is solved where its check printed ✓ when it was last run and saved.
"""
SIGNS = {"solved": "✓", "written": "…", "open": "·"}


def add(commands) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        "progress", help="which exercises are solved", description=__doc__.partition(": ")[2], epilog=EXAMPLES
    )
    parser.add_argument("folder", nargs="?", default=WORKSHEETS, metavar="FOLDER", help=f"default: {WORKSHEETS}")
    return parser


def run(args: argparse.Namespace) -> int:
    folder = Path(args.folder).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder '{args.folder}': 'lessons start' makes worksheets")
    solved = total = 0
    for path in chosen([]):
        if (folder / path.name).is_file():
            try:
                states = progress(notebook(folder / path.name), notebook(path))
            except ValueError as error:
                print(f"{path.stem}: {error}")
                continue
            print(line(path.stem, states))
            solved, total = solved + sum(state == "solved" for _, state in states), total + len(states)
    print(f"{solved} of {total} exercises solved" if total else f"there are no worksheets in '{args.folder}'")
    return 0


def line(name: str, states: list[tuple[str, str]]) -> str:
    """ "02_zero_shot  ✓…·  next: 2 · Recall at k" """
    signs = "".join(SIGNS[state] for _, state in states)
    left = next((heading for heading, state in states if state != "solved"), None)
    return f"{name:<34} {signs:<6} {f'next: {left}' if left else 'done'}"
