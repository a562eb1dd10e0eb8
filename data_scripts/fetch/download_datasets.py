"""Fetch the literature's data sets, or check them.

    python data_scripts/fetch/download_datasets.py eurosat dtd --root DATA

Each goes into the folder that CoOp's code and `load_task` look in. Size and licence are said first; a download that
broke off goes on where it was; nothing is unpacked that is not the published file. What is complete is left alone.
`--verify` only counts files and classes and names what is missing. docs/datasets.md has the table.
"""

from __future__ import annotations

import argparse
import os
import sys

from lessons_lib.data.published import PUBLISHED, ROOT_VARIABLE
from lessons_lib.data.published_tasks import verify
from lessons_lib.data.sources import ABOUT, BY_HAND, SOURCES, get
from lessons_lib.files import in_bytes
from lessons_lib.suggest import nearest


def listing() -> str:
    """A line a set: its name, its title, what there is to download, its licence."""
    rows = []
    for name, spec in PUBLISHED.items():
        sizes = [source.size for source in SOURCES[name] if source.is_archive]
        size = "by hand" if name in BY_HAND else in_bytes(sizes[0]) if sizes[0] else "size unknown"
        rows.append(f"{name:16} {spec.title:16} {size:>12}   {ABOUT[name][1]}")
    return "\n".join(rows)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Fetch the data sets of the prompt-learning literature.")
    parser.add_argument("names", nargs="*", help="such as eurosat; 'all' for all fifteen")
    parser.add_argument("--root", default=os.environ.get(ROOT_VARIABLE), help=f"folder above theirs (${ROOT_VARIABLE})")
    parser.add_argument("--verify", action="store_true", help="count files and classes, fetch nothing")
    parser.add_argument("--list", action="store_true", help="the sets, their sizes and licences")
    parser.add_argument("--keep-archives", action="store_true", help="do not remove archives that were unpacked")
    args = parser.parse_args(argv)
    if args.list:
        print(listing())
        return 0
    names = list(PUBLISHED) if args.names == ["all"] else args.names
    for name in names:
        if name not in PUBLISHED:
            parser.error(f"no set is called {name!r}. {nearest(name, PUBLISHED)} There are {', '.join(PUBLISHED)}.")
    if not names or not args.root:
        parser.error(f"say which sets, and where: NAME … --root FOLDER (or set {ROOT_VARIABLE}); --list shows them")
    incomplete = 0
    for name in names:
        try:
            report = verify(name, args.root) if args.verify else get(name, args.root, keep_archives=args.keep_archives)
        except (OSError, ValueError) as error:  # the other sets can still be fetched
            print(f"{name}: {error}", file=sys.stderr)
            incomplete += 1
            continue
        if args.verify:
            print(report)
        incomplete += bool(report.problems)
    return 1 if incomplete else 0


if __name__ == "__main__":
    sys.exit(main())
