"""Run the lessons in place of a learner: `python data_scripts/course/run_course.py [notebook …]`

Each lesson runs from top to bottom in a kernel of its own, with notebooks/ as its folder. The executed copies go to
build/course/, with the times and the peak memory in times.json, and the course's site of this run, as make_site.py
writes it, to build/course/site/. A cell that fails ends its lesson, the others still run, and the exit status is 1.

With --record the outputs are also kept in the notebooks themselves, without what differs from run to run, and the times
in the file that lesson 00 reads. A lesson that failed is left as it was.
"""

from __future__ import annotations

import argparse
import copy
import json
import re
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import make_site
import nbformat
import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from notebook_files import read_notebook
from tqdm import tqdm

from lessons_lib.files import atomic_write, check_output

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Run:
    """How one lesson went."""

    lesson: str
    cells: int
    seconds: float
    peak_gib: float  # the most that the lesson's kernel held in memory
    failure: str = ""  # "cell 7: ValueError: …", or nothing
    probe_seconds: float = 0.0  # how fast the machine was beside it, where that was asked


def peak_memory_gib(process: psutil.Process) -> float:
    """The most that a process ever held (Linux and Windows keep count); elsewhere what it holds now."""
    status = Path(f"/proc/{process.pid}/status")
    if status.exists():
        kib = next((line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM")), 0)
        return int(kib) / 2**20
    memory = process.memory_info()
    return getattr(memory, "peak_wset", memory.rss) / 2**30


def drop_progress_bars(notebook: nbformat.NotebookNode) -> None:
    """Takes the bars of long work out of the outputs: they mean nothing afterwards."""

    def is_bar(output: nbformat.NotebookNode) -> bool:
        if output.output_type == "stream":
            return output.name == "stderr" and ("\r" in output.text or not output.text.strip())
        return bool(re.search(r"\d+%\|", output.get("data", {}).get("text/plain", "")))

    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if not is_bar(output)]
    drop_unused_widgets(notebook)


def drop_unused_widgets(notebook: nbformat.NotebookNode) -> None:
    """Takes the widgets that no output shows any more, such as those bars', out of what is saved beside the cells."""
    saved = notebook.metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {}).get("state", {})
    shown, reached = json.dumps([cell.get("outputs", []) for cell in notebook.cells]), set()
    while found := set(re.findall(r'(?:IPY_MODEL_|"model_id": ")([0-9a-f]+)', shown)) & set(saved) - reached:
        reached |= found
        shown = json.dumps([saved[name] for name in found])
    for name in set(saved) - reached:
        del saved[name]


def tidy(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A copy to commit: no times of execution, no version of the kernel."""
    notebook = copy.deepcopy(notebook)
    kept = {name: value for name, value in notebook.metadata.items() if name == "widgets"}
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata = nbformat.from_dict({"kernelspec": kernel, "language_info": {"name": "python"}, **kept})
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({name: cell.metadata[name] for name in ("tags",) if name in cell.metadata})
    return notebook


def run_lesson(path: Path, *, out: Path, timeout: int, label: str, record: bool = False) -> Run:
    """Execute one notebook, write its copy into `out`, also when a cell fails, and say how it went.

    record: a notebook whose cells all ran keeps its outputs.
    """
    source = path.read_bytes()
    try:
        notebook = read_notebook(path, source)
    except ValueError as error:
        return Run(path.stem, 0, 0.0, 0.0, failure=str(error))
    cells = sum(cell.cell_type == "code" and bool(cell.source.strip()) for cell in notebook.cells)
    run = Run(lesson=path.stem, cells=cells, seconds=0.0, peak_gib=0.0)
    at = 0
    bar = tqdm(total=cells, desc=label, unit="cell", bar_format="{desc}  cell {n_fmt} of {total_fmt}  {elapsed}")

    def started(cell, cell_index):
        nonlocal at
        at = cell_index

    def executed(cell, cell_index, execute_reply):
        bar.update()
        run.peak_gib = max(run.peak_gib, peak_memory_gib(psutil.Process(client.km.provisioner.pid)))

    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        extra_arguments=["--IPKernelApp.log_level=ERROR"],  # not the warning that the kernel talks over local TCP
        resources={"metadata": {"path": str(path.parent)}},
        on_cell_start=started,
        on_cell_executed=executed,
    )
    start = time.perf_counter()
    try:
        client.execute()
    except CellExecutionError as error:
        run.failure = f"cell {at + 1}: {error.ename}: {error.evalue}"
    except CellTimeoutError:
        run.failure = f"cell {at + 1}: ran longer than {timeout} s"
    except (DeadKernelError, AssertionError):  # nbclient asserts where a kernel is gone that it is about to ask
        run.failure = f"cell {at + 1}: the kernel died (out of memory?)"
    finally:
        bar.close()
    run.seconds = time.perf_counter() - start

    drop_progress_bars(notebook)
    try:
        write(notebook, out / path.name)
        if record and not run.failure:
            if path.read_bytes() != source:
                raise OSError(f"'{path}' was changed while it ran, and is left as it is: run it again")
            write(tidy(notebook), path)
    except OSError as error:
        run.failure = run.failure or error.strerror or str(error)
    return run


def write(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Whole or not at all: it may be the learner's only copy."""
    atomic_write(path, (nbformat.writes(notebook).rstrip("\n") + "\n").encode())


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the lessons and write executed copies and their pages.")
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: every notebook in notebooks/")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "course")
    parser.add_argument("--timeout", type=int, default=600, help="seconds that one cell may take")
    parser.add_argument("--record", action="store_true", help="keep the outputs in the notebooks, and the times")
    parser.add_argument("--no-pages", dest="pages", action="store_false", help="executed copies alone")
    parser.add_argument("--times", type=Path, default=None, help="the file that --record keeps the times in")
    args = parser.parse_args()
    there = sorted((ROOT / "notebooks").glob("[!.]*.ipynb"))  # hidden ones are what a kill left half written
    paths = [path.resolve() for path in args.notebooks] or there
    missing = [str(path) for path in paths if not path.is_file()]
    if missing or not paths:
        parser.error(f"no such notebook: {', '.join(missing)}" if missing else "there are no notebooks in notebooks/")

    try:
        for path in paths:
            check_output(args.out / path.name, inputs=paths)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    runs, speeds = [], [probed()] if args.record else []
    for number, path in enumerate(paths, start=1):
        label = f"{path.stem} ({number} of {len(paths)})"
        runs.append(run_lesson(path, out=args.out, timeout=args.timeout, label=label, record=args.record))
        if args.record:
            speeds.append(probed())
            runs[-1].probe_seconds = sum(speeds[-2:]) / 2
        atomic_write(args.out / "times.json", (json.dumps([asdict(run) for run in runs], indent=1) + "\n").encode())

    width = max(len(run.lesson) for run in runs)
    print(f"\n{'lesson':{width}}  cells  seconds  peak GiB")
    for run in runs:
        print(
            f"{run.lesson:{width}}  {run.cells:5d}  {run.seconds:7.1f}  {run.peak_gib:8.2f}  {run.failure and 'FAILED'}"
        )
    print(f"{'all':{width}}  {sum(r.cells for r in runs):5d}  {sum(r.seconds for r in runs):7.1f}")
    print(f"\nExecuted copies: {args.out}")
    pages = write_pages(runs, args.out) if args.pages else ""
    if args.record:
        from lessons_lib.teaching import lesson_times

        ran = {run.lesson: (run.seconds, run.peak_gib, run.probe_seconds) for run in runs if not run.failure}
        lesson_times.record(ran, path=args.times or lesson_times.RECORD)
    failed = [run for run in runs if run.failure]
    for run in failed:
        print(f"FAILED  {run.lesson}, {run.failure}", file=sys.stderr)
    if pages:
        print(f"run_course: {pages}", file=sys.stderr)
    return 1 if failed or pages else 0


def probed() -> float:
    """How fast this machine is just now: the seconds of `lesson_times.probe`, in a process of its own, since this one
    would keep torch's memory."""
    code = "from lessons_lib.teaching import lesson_times; print(lesson_times.probe(repeats=15))"
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def write_pages(runs: list[Run], out: Path) -> str:
    """The site of this run. Returns what was wrong, "" where it is there."""
    copies = [path for run in runs if (path := out / f"{run.lesson}.ipynb").is_file()]
    times = {run.lesson: run.seconds for run in runs if not run.failure}
    try:
        make_site.build(copies, out.absolute() / "site", out.absolute() / "site-source", times=times)
    except (OSError, RuntimeError, ValueError) as error:
        return f"the pages were not written: {error}"
    print(f"Pages: {out / 'site' / 'index.html'}")
    return ""


if __name__ == "__main__":
    sys.exit(main())
