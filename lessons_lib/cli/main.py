"""The command line's parser, and what becomes of errors: one line on stderr and status 2, no traceback unasked.

Every subcommand is a module with `add(commands)`, which describes its options, and `run(args)`, which returns the exit
status. torch is imported when a subcommand needs it, so that help is there at once.
"""

import argparse
import io
import os
import sys
import traceback
import warnings
from collections.abc import Sequence

from lessons_lib import __version__
from lessons_lib.cli import bench, cache, doctor, evaluate, fetch, fit, progress, report, start
from lessons_lib.cli.arguments import Parser
from lessons_lib.suggest import nearest

COMMANDS = {
    "start": start, "progress": progress, "doctor": doctor, "fetch": fetch, "fit": fit, "eval": evaluate,
    "bench": bench, "report": report, "cache": cache,
}  # fmt: skip
MISTAKE, STOPPED = 2, 130  # exit statuses; 1 is for runs that failed, and for what `doctor` or `fetch` finds missing
EXPECTED = (ValueError, OSError, ArithmeticError, MemoryError, ImportError)  # what the library says in a sentence
EXAMPLES = """\
examples:
  lessons start                                         worksheets of the lessons, beside you
  lessons doctor                                        is everything here?
  lessons fit CoOp toy_flowers --out coop.safetensors   learn, 16 images a class
  lessons eval coop.safetensors toy_flowers             measure again
  lessons bench --methods ZeroShot CoOp --tasks toy_pets toy_food --store runs.sqlite
  lessons report runs.sqlite                            tables of what has run so far

'lessons COMMAND --help' says more about each; docs/command_line.md shows what they print.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one subcommand. Returns the exit status: 0, 1 for failed runs, 2 for a mistake, 130 when stopped."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    for stream in (sys.stdout, sys.stderr):  # a console that lacks a letter shows "?": no print raises, no work is lost
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        args = parse(arguments)
    except SystemExit as stop:  # after help, or after a mistake that the parser has described
        return int(stop.code or 0)
    with warnings.catch_warnings():
        warnings.showwarning = _one_line
        try:
            return args.run(args)
        except KeyboardInterrupt:
            print("\nlessons: stopped", file=sys.stderr)
            return STOPPED
        except BrokenPipeError:  # `lessons report … | head`: whoever read has had enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except Exception as error:
            if args.traceback:
                traceback.print_exc()
            print(f"lessons {args.command}: {said(error)}", file=sys.stderr)
            return MISTAKE


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of one subcommand. Raises SystemExit after printing help, or what is wrong."""
    parser = make_parser()
    first = next((word for word in arguments if not word.startswith("-")), None)
    if not arguments:
        parser.print_help()
        raise SystemExit(0)
    if first is not None and first not in COMMANDS:
        known = f"The commands are {', '.join(COMMANDS)}."
        parser.error(f"there is no command {first!r}. {nearest(first, COMMANDS) or known}")
    args, rest = parser.parse_known_args(arguments)
    if rest:
        options = args.parser.option_names()
        hint = nearest(rest[0], options) if rest[0].startswith("-") else ""
        args.parser.error(f"it does not take {rest[0]!r}. {hint or 'See --help.'}")
    return args


def make_parser() -> Parser:
    parser = Parser(
        prog="lessons", description="Adapting CLIP without retraining it: fit, measure, compare.", epilog=EXAMPLES
    )
    parser.add_argument("--version", action="version", version=f"lessons_lib {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, title="commands")
    for name, module in COMMANDS.items():
        added = module.add(commands)
        added.add_argument("--traceback", action="store_true", help="after an error, show where it was raised")
        added.set_defaults(run=module.run, parser=added, command=name)
    return parser


def is_expected(error: Exception) -> bool:
    """Whether an error is something that the library says on purpose, for the user to mend."""
    return isinstance(error, EXPECTED) or type(error).__name__ == "OutOfMemoryError"  # torch's is a RuntimeError


def said(error: Exception) -> str:
    """An error in words; of an OSError without its number; of one that nobody foresaw, what to do with it."""
    if not is_expected(error):
        return f"{type(error).__name__}: {error}. This is a fault of lessons_lib: --traceback shows where, to report it"
    if isinstance(error, OSError) and error.strerror:
        named = f": '{error.filename}'" if error.filename else ""
        return f"{error.strerror}{named}"
    return str(error) or type(error).__name__


def _one_line(message, category, filename, lineno, file=None, line=None) -> None:
    print(f"warning: {message}", file=sys.stderr)
