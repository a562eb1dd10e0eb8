"""The lessons to hand out: without outputs, and with every exercise open. (`lessons start` is for those who learn.)

    python data_scripts/course/make_worksheets.py                       # all lessons, into worksheets/
    python data_scripts/course/make_worksheets.py --no-solutions --out lab_4 notebooks/04_coop.ipynb
    python data_scripts/course/make_worksheets.py --nbgrader course     # into course/source, to be graded by machine

A worksheet has each exercise's solution folded up below its check, unless --no-solutions. One that is there already is
somebody's work and is kept, unless --force.

--nbgrader makes a course for nbgrader of the lessons as they are: every exercise is a cell to fill in, and its check a
locked cell worth a point, with hidden tests. `nbgrader generate_assignment 04_coop` in that folder makes what students
get, and `nbgrader autograde 04_coop` grades what they hand in, as `lessons_lib.teaching.grading` says.
"""

import argparse
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from notebook_files import read_notebook

from lessons_lib.files import atomic_write
from lessons_lib.teaching.grading.restored import graded
from lessons_lib.worksheets import STUB, worksheet

ROOT = Path(__file__).resolve().parents[2]
GRADED_APART = "lessons_lib.teaching.grading"
CONFIG = f"""from nbgrader.converters import Autograde

c = get_config()
c.CourseDirectory.course_id = "clip_adaptation"
c.ClearSolutions.code_stub = {{"python": "{STUB}"}}

# What happened to whom is in reports/. Students' cells run in a process of their own, and the checks in another.
c.Autograde.pre_convert_hook = "{GRADED_APART}.preprocessors.look"
c.Autograde.sanitize_preprocessors = [
    "{GRADED_APART}.preprocessors.Restore",
    *Autograde.sanitize_preprocessors.default(),
]
c.Autograde.autograde_preprocessors = [
    "{GRADED_APART}.preprocessors.Grade",
    *Autograde.autograde_preprocessors.default()[1:],  # without Execute
]
c.Grade.cell_seconds = 300
c.Grade.notebook_seconds = 3600
c.Grade.memory_gib = 8
"""


def write(lesson: NotebookNode, path: Path, force: bool, inputs: list[Path]) -> None:
    if path.exists() and not force:
        print(f"kept     {path}")
        return
    nbformat.validate(lesson)
    atomic_write(path, nbformat.writes(lesson).encode(), replace=force, inputs=inputs)
    print(f"written  {path}")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lessons", nargs="*", type=Path, help="default: all in notebooks/")
    parser.add_argument("--out", type=Path, default=ROOT / "worksheets", help="default: worksheets/")
    parser.add_argument("--no-solutions", action="store_true", help="leave the folded solutions out")
    parser.add_argument("--nbgrader", type=Path, metavar="FOLDER", help="make a course for nbgrader there instead")
    parser.add_argument("--force", action="store_true", help="write over what is there")
    args = parser.parse_args(arguments)
    lessons = args.lessons or sorted((ROOT / "notebooks").glob("[!.]*.ipynb"))
    missing = [str(path) for path in lessons if not path.is_file()]
    if missing:
        print(f"there is no lesson {', '.join(missing)}", file=sys.stderr)
        return 2
    try:
        make(args, lessons)
    except (OSError, ValueError) as error:
        print(f"make_worksheets: {error}", file=sys.stderr)
        return 2
    return 0


def make(args: argparse.Namespace, lessons: list[Path]) -> None:
    for path in lessons:
        lesson = read_notebook(path)
        if args.nbgrader:
            write(graded(lesson), args.nbgrader / "source" / path.stem / path.name, args.force, lessons)
        else:
            sheet = nbformat.from_dict(worksheet(lesson, path.stem, solutions=not args.no_solutions))
            write(sheet, args.out / path.name, args.force, lessons)
    if args.nbgrader:
        write_config(args.nbgrader / "nbgrader_config.py")


def write_config(path: Path) -> None:
    if not path.exists():
        atomic_write(path, CONFIG.encode())
    elif GRADED_APART not in path.read_text(encoding="utf-8"):
        print(
            f"kept     {path}: it grades as nbgrader does by itself. Move it away and run this again for checks apart."
        )


if __name__ == "__main__":
    sys.exit(main())
