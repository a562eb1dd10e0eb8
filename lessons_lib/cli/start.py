"""`lessons start`: worksheets of the lessons, put beside you; what is there is yours, and is kept."""

import argparse
import hashlib
import json
from pathlib import Path

from lessons_lib import translations
from lessons_lib.cli.lessons import WORKSHEETS, chosen, lessons_folder, notebook
from lessons_lib.files import atomic_write
from lessons_lib.worksheets import TRANSLATED, Notebook, changes, digests, worksheet

EXAMPLES = """\
examples:
  lessons start                  worksheets of all lessons, in worksheets/
  lessons start 04               of one; "coop" and "04_coop" are the same
  lessons start --to my_sheets   in another folder
  lessons start 04 --beside      where the lesson has changed since: the new one beside yours
  lessons start --language zh_CN in Chinese, in worksheets/zh_CN; what is not translated yet is in English

A worksheet is the lesson without outputs, with every exercise open and its solution folded up below its check.
Open them with: jupyter lab worksheets
"""


def add(commands) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        "start",
        help="put worksheets of the lessons beside you",
        description=__doc__.partition(": ")[2],
        epilog=EXAMPLES,
    )
    parser.add_argument("lessons", nargs="*", metavar="LESSON", help="a number or a name (default: all)")
    parser.add_argument("--to", metavar="FOLDER", help=f"default: {WORKSHEETS}, or its LANGUAGE's folder")
    parser.add_argument("--language", metavar="LANGUAGE", help=f"of the prose: {', '.join(translations.folders())}")
    parser.add_argument("--no-solutions", action="store_true", help="leave the folded solutions out")
    parser.add_argument("--beside", action="store_true", help="where a lesson has changed, write the new one beside")
    return parser


def run(args: argparse.Namespace) -> int:
    language, known = args.language, translations.folders()
    if language is not None and language not in known:
        raise ValueError(f"there are no lessons in '{language}': there are in {', '.join(known) or 'English'}")
    folder = Path(args.to).expanduser() if args.to else Path(WORKSHEETS, language or "")
    if folder.resolve() == lessons_folder().resolve():
        raise ValueError(f"'{args.to}' is where the lessons themselves lie: give another folder")
    for path in chosen(args.lessons):
        lesson, left = notebook(path), ""
        if language:
            lesson, left = translations.in_language(lesson, path.stem, known[language])
        print(put(lesson, path.stem, folder, solutions=not args.no_solutions, beside=args.beside))
        if left:
            print(f"         in English: {left}")
    return 0


def put(lesson: Notebook, name: str, folder: Path, *, solutions: bool = True, beside: bool = False) -> str:
    """Writes a lesson's worksheet into `folder` unless there is one, and says which it was."""
    target = folder / f"{name}.ipynb"
    sheet = worksheet(lesson, name, solutions=solutions)
    if not target.exists():
        write(sheet, target)
        return f"written  {target}"
    try:
        changed = changes(notebook(target), lesson)
    except ValueError:
        return f"kept     {target}, which cannot be read as a notebook: move it away, and start again"
    if not changed:
        return f"kept     {target}"
    newer = target.with_name(f"{name}_{digest(lesson)}.ipynb")
    if beside and not newer.exists():
        write(sheet, newer)
    said_in = lesson["metadata"].get(TRANSLATED)
    again = f"lessons start {name} {'--language ' + said_in['language'] + ' ' if said_in else ''}--beside"
    where = f"the new one is {newer}" if newer.exists() else f"'{again}' puts the new one beside it"
    return f"kept     {target}\n         the lesson has changed since, under: {'; '.join(changed)}\n         {where}"


def write(sheet: Notebook, target: Path) -> None:
    atomic_write(target, (json.dumps(sheet, indent=1, ensure_ascii=False) + "\n").encode(), replace=False)


def digest(lesson: Notebook) -> str:
    """A few letters that tell one state of a lesson from another."""
    return hashlib.sha256(json.dumps(digests(lesson)).encode()).hexdigest()[:6]
