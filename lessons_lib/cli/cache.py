"""`lessons cache`: what is kept to save time, how much room it takes, and making room."""

import argparse
import sys
import time
from pathlib import Path

from lessons_lib.cli.arguments import aligned, one_of
from lessons_lib.files import cache_dir, in_bytes

EXAMPLES = """\
examples:
  lessons cache                                what is there, and where
  lessons cache clear                          asks first
  lessons cache clear --older-than 30d --yes   what was written more than 30 days ago

Everything that is cleared is computed again when it is needed. Weights are never touched.
The folder is $LESSONS_CACHE, or lessons_lib in the user's cache folder.
"""
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def add(commands) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        "cache", help="list or clear cached features", description=__doc__.partition(": ")[2], epilog=EXAMPLES
    )
    parser.add_argument(
        "action", nargs="?", type=one_of("list", "clear"), default="list", metavar="list|clear", help="default: list"
    )
    parser.add_argument("--older-than", type=age, default=0.0, metavar="AGE", help="such as 30d, 12h or 2w")
    parser.add_argument("--yes", action="store_true", help="clear without asking")
    return parser


def run(args: argparse.Namespace) -> int:
    from lessons_lib.feature_cache import cache_entries, clear_cache

    chosen = cache_entries(older_than=args.older_than)
    if args.action == "list":
        print(listing(chosen))
        return 0
    size = in_bytes(sum(entry.size for entry in chosen))
    what = f"{len(chosen):,} entries, {size}, in '{shown(cache_dir() / 'features')}'"
    if not chosen:
        print("there is nothing to clear")
    elif args.yes or confirmed(f"clear {what}? [y/N] "):
        print(f"cleared {in_bytes(clear_cache(older_than=args.older_than))} in '{shown(cache_dir() / 'features')}'")
    else:
        print("nothing was cleared")
    return 0


def listing(entries: list) -> str:
    """A line a model, and the sum."""
    import pandas as pd

    lines = [f"cached features in '{shown(cache_dir() / 'features')}'"]
    if entries:
        rows = [{**about(entry), "bytes": entry.size, "written": entry.written} for entry in entries]
        by_model = pd.DataFrame(rows).groupby(["model", "view"], sort=True)
        table = by_model.agg(entries=("bytes", "size"), images=("images", "sum"), bytes=("bytes", "sum"),
                             newest=("written", "max")).reset_index()  # fmt: skip
        table = table.sort_values("bytes", ascending=False)
        table["size"] = table.pop("bytes").map(in_bytes)
        table["newest"] = table["newest"].map(lambda at: time.strftime("%Y-%m-%d %H:%M", time.localtime(at)))
        lines.append(aligned(table))
    total = in_bytes(sum(entry.size for entry in entries))
    return "\n".join([*lines, f"{len(entries):,} entries, {total}"])


def about(entry) -> dict:
    """What an entry says that it is of; "damaged" where it does not."""
    key = entry.key()
    if key is None:
        return {"model": "damaged or unfinished", "view": "", "images": 0}
    view = key["view"] if key["view"] == "plain" else f"{key['view']} views"
    view += ", tokens" if "tokens" in key else ""
    return {"model": f"{key['model'][:12]}, {key['precision']}", "view": view, "images": key["count"]}


def age(text: str) -> float:
    """ "30d" -> seconds."""
    number, unit = text[:-1], text[-1:]
    try:
        return float(number) * UNITS[unit]
    except (KeyError, ValueError):
        raise argparse.ArgumentTypeError(f"{text!r}: give a number with s, m, h, d or w, such as 30d") from None


def shown(path: Path) -> str:
    """A path as it may be sent to others: without the name of one's home."""
    home = Path.home()
    return f"~/{path.relative_to(home).as_posix()}" if path.is_relative_to(home) else str(path)


def confirmed(question: str) -> bool:
    """Asks. Raises ValueError where nobody can answer."""
    if not sys.stdin.isatty():
        raise ValueError("nobody can be asked here: say --yes to clear without asking")
    return input(question).strip().lower() in ("y", "yes")
