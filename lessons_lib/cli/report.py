"""`lessons report`: tables of what has run so far, sweeps in the papers' format, with the published numbers beside."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lessons_lib.cli.arguments import one_of
from lessons_lib.files import check_output, expanded

if TYPE_CHECKING:
    import pandas as pd

    from lessons_lib.runs.summary import Runs

EXAMPLES = """\
examples:
  lessons report runs.sqlite                      Markdown, also while the sweep runs
  lessons report runs.sqlite --format csv         a line a cell: mean, half_width, n, published, difference
  lessons report runs.sqlite --format runs        a line a measurement, as it was made
  lessons report runs.sqlite --metric mIoU        another metric than the methods' score
  lessons report runs.sqlite --out report         report/report.md, report.csv and report.png

Intervals are 95 % over seeds (Student's t). Where a cell lacks seeds it says so: "71.2 ± 0.8 (2 of 3)".
"""
FORMATS = ("markdown", "csv", "runs")


def add(commands) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        "report", help="tables of what has run", description=__doc__.partition(": ")[2], epilog=EXAMPLES
    )
    parser.add_argument("file", metavar="FILE", help="what 'lessons bench --store' keeps its runs in")
    parser.add_argument("--out", metavar="FOLDER", help="write report.md, report.csv and report.png there")
    parser.add_argument("--metric", help="which of those that were measured (default: the methods' score)")
    parser.add_argument(
        "--format", type=one_of(*FORMATS), default="markdown", metavar="WHICH", help="markdown (default), csv, runs"
    )
    return parser


def run(args: argparse.Namespace) -> int:
    from lessons_lib.runs.report import markdown
    from lessons_lib.runs.store import Store
    from lessons_lib.runs.summary import Runs

    with Store(args.file, read_only=True) as store:
        runs, rows = Runs.of(store), store.rows()
    if args.out:
        for name in ("report.md", "report.csv"):
            check_output(expanded(args.out) / name, inputs=[args.file])
        written = write(runs, Path(args.file).name, expanded(args.out), args.metric)
        print(runs.progress())
        print("\n".join(f"wrote '{path}'" for path in written))
    elif args.format == "markdown":
        print(markdown(runs, Path(args.file).name, metric=args.metric), end="")
    else:
        print((csv_of(runs) if args.format == "csv" else rows).to_csv(index=False), end="")
    return 0


def csv_of(runs: "Runs") -> "pd.DataFrame":
    """A line a cell, of every metric; runs of other kinds have their own columns."""
    import pandas as pd

    from lessons_lib.runs.published import with_published
    from lessons_lib.runs.summary import summarise

    protocols = [with_published(summarise(runs), runs.plans)] if len(runs.status) or not runs.others else []
    return pd.concat([*protocols, *(kind.summary().assign(kind=kind.name) for kind in runs.others)])


def write(runs: "Runs", name: str, folder: Path, metric: str | None = None) -> list[Path]:
    """The report's files; there is no picture where no run of a protocol is done."""
    from lessons_lib.files import atomic_write
    from lessons_lib.runs.report import markdown

    if folder.is_file():
        raise ValueError(f"--out '{folder}' is a file: give a folder")
    pictures = draw(runs, folder, metric) if len(runs.rows) else []
    page = markdown(runs, name, [path.name for path in pictures], metric)
    return [
        atomic_write(folder / "report.md", page.encode()),
        atomic_write(folder / "report.csv", csv_of(runs).to_csv(index=False).encode()),
        *pictures,
    ]


def draw(runs: "Runs", folder: Path, metric: str | None = None) -> list[Path]:
    """A picture for each CLIP and protocol: report.png, report-2.png, …"""
    import matplotlib

    matplotlib.use("Agg")  # no display is needed
    from matplotlib import pyplot

    from lessons_lib.cli.figures import figure_of
    from lessons_lib.files import atomic_write
    from lessons_lib.runs.report import chosen
    from lessons_lib.runs.summary import SWEEP, summarise

    paths = []
    elsewhere = [one for kind in runs.others for one in kind.summary()["metric"]]
    shown = chosen(summarise(runs), metric, elsewhere)
    for number, (sweep, cells) in enumerate(shown.groupby(SWEEP, sort=False), 1):
        figure = figure_of(cells, *sweep)
        path = folder / ("report.png" if number == 1 else f"report-{number}.png")
        paths.append(atomic_write(path, lambda file, figure=figure: figure.savefig(file, dpi=130)))
        pyplot.close(figure)
    return paths
