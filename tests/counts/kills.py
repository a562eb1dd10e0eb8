"""What is lost when work is killed, counted: `python tests/counts/kills.py --count 200`

A process does a piece of work in a folder of its own and is killed (SIGKILL) at a moment that is drawn. What lies there
then has to be whole; the same work is then done again by another process, as a user types the same command again, and
has to come to what an undisturbed one comes to: nothing lost, nothing doubled. Processes are forked from this one,
which has imported everything, so a kill costs little. Linux and macOS.

A line a kill is kept in --out; the same command goes on after a stop. Ends with 1 where something was lost.
"""

import argparse
import contextlib
import io
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "data_scripts" / "course")]

import make_worksheets  # noqa: E402
import nbformat  # noqa: E402
import open_clip  # noqa: E402
import run_course  # noqa: E402
import torch  # noqa: E402
from bench_workers import orders, ran, result  # noqa: E402
from local_server import Files  # noqa: E402
from noise_task import noise_task  # noqa: E402
from notebook_files import read_notebook  # noqa: E402
from sound_files import KEY, clip, fitted, plain  # noqa: E402
from tiny_clip import tiny_config  # noqa: E402

from lessons_lib import feature_cache, sealed  # noqa: E402
from lessons_lib.data.downloads import download  # noqa: E402
from lessons_lib.methods import CoOp, load_method  # noqa: E402
from lessons_lib.pretrain.loop import Run, Settings  # noqa: E402
from lessons_lib.runs import Store  # noqa: E402

LARGE = random.Random(0).randbytes(30_000_000)  # what is downloaded


@dataclass(frozen=True)
class Work:
    """do: the work, in a folder.   left: what is wrong with what a killed one left, "" where nothing is.
    end: what the work came to, to be compared."""

    do: Callable[[Path], object]
    left: Callable[[Path], str]
    end: Callable[[Path], Any]


def train(folder: Path) -> None:
    method = CoOp(clip(), n_ctx=2).fit(noise_task(), epochs=6, checkpoint=folder / "c.pt", progress=False)
    method.save(folder / "m.safetensors")


def trained(folder: Path) -> Any:
    return plain(load_method(folder / "m.safetensors", clip()).state_dict())


def whole_checkpoint(folder: Path) -> str:
    if (folder / "c.pt").exists():
        sealed.load_state(folder / "c.pt", "")
    return ""


def pretrain(folder: Path) -> None:
    going = _pretraining()
    if (folder / "c.pt").exists():
        going.load(folder / "c.pt")
    while going.step < 4:
        draws = torch.Generator().manual_seed(going.step)
        images = torch.randint(256, (4, 3, 32, 32), generator=draws, dtype=torch.uint8)
        going.train_step(images, clip().tokenize([f"a picture {going.step} of {n}" for n in range(4)]))
        going.save(folder / "c.pt")


def _pretraining() -> Run:
    config = tiny_config()
    config["text_cfg"] |= {"width": 16, "heads": 1, "layers": 1}
    torch.manual_seed(0)
    settings = Settings(steps=4, batch_size=4, warmup=1, patch_dropout=0.0)
    return Run(open_clip.model.CLIP(**config), settings, lambda x: x.float() / 255, autocast_dtype=None)


def pretrained(folder: Path) -> Any:
    going = _pretraining()
    going.load(folder / "c.pt")
    return going.step, sha256(b"".join(t.numpy().tobytes() for t in going.model.state_dict().values())).hexdigest()


@cache
def two_methods() -> list:
    other = CoOp(clip(), n_ctx=2)
    other.set_classes(noise_task().classnames)
    return [fitted(), other]


def save(folder: Path) -> None:
    for number in range(60):
        two_methods()[number % 2].save(folder / "m.safetensors")


def saved(folder: Path) -> str:
    if (folder / "m.safetensors").exists():
        found = load_method(folder / "m.safetensors", clip())
        wanted = next(one for one in two_methods() if type(one) is type(found))
        return "" if plain(found.state_dict()) == plain(wanted.state_dict()) else "it is neither of the two"
    return ""


def sweep(folder: Path) -> None:
    """In a process that has imported little, since its workers import what their parent did."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path[:3])
    script = str(ROOT / "tests" / "bench_workers.py")
    os.execv(sys.executable, [sys.executable, script, str(folder / "runs.sqlite"), str(folder), "0.05"])


def swept(folder: Path) -> Any:
    with Store(folder / "runs.sqlite", read_only=True) as store:
        rows, status = store.rows(), store.status()
        return rows[["label", "seed", "accuracy"]].to_csv(), sorted(status.state), len(set(ran(folder)))


def keep_runs(folder: Path) -> None:
    """A file's own writing: what was noted as done behind it has to be there."""
    with Store(folder / "runs.sqlite") as store:
        store.claim()
        for job in store.enter(orders(list("abcdefgh"), "", seeds=range(4))):
            store.start(job.id, "here")
            store.finish(job.id, result(float(job.id)), "here")
            with (folder / "done").open("a") as done:
                print(job.id, file=done)


def kept_runs(folder: Path) -> str:
    if not (folder / "runs.sqlite").exists() or not (folder / "done").exists():
        return ""
    done = {float(line) for line in (folder / "done").read_text().splitlines()}
    with Store(folder / "runs.sqlite", read_only=True) as store:
        missing = done - set(store.rows().accuracy)
    return f"runs {missing} are lost" if missing else ""


def all_runs(folder: Path) -> Any:
    with Store(folder / "runs.sqlite", read_only=True) as store:
        return sorted(store.rows().accuracy), sorted(store.status().state)


def notebook() -> nbformat.NotebookNode:
    cells = [nbformat.v4.new_markdown_cell("my notes " * 3000, id="a"), nbformat.v4.new_code_cell("1 + 1", id="b")]
    return nbformat.v4.new_notebook(cells=cells)


def record(folder: Path) -> None:
    for _ in range(60):
        run_course.write(run_course.tidy(notebook()), folder / "mine.ipynb")


def recorded(folder: Path) -> str:
    if (folder / "mine.ipynb").exists():
        found = read_notebook(folder / "mine.ipynb")
        return "" if found.cells[0].source == notebook().cells[0].source else "the notes are others"
    return ""


def make_sheets(folder: Path) -> None:
    for number in range(4):
        nbformat.write(notebook(), path := folder.parent / f"lesson {number}.ipynb")
        make_worksheets.main([str(path), "--out", str(folder), "--force"])


def sheets(folder: Path) -> Any:
    return {path.name: read_notebook(path).cells[0].source for path in sorted(folder.glob("[!.]*.ipynb"))}


def whole_sheets(folder: Path) -> str:
    sheets(folder)
    return ""


@cache
def server() -> Files:
    files = Files()
    files.files["large.bin"] = LARGE
    return files


def fetch(folder: Path) -> None:
    digest = f"sha256:{sha256(LARGE).hexdigest()}"
    download(server().url("large.bin"), folder / "large.bin", size=len(LARGE), digest=digest, progress=False)


def fetched(folder: Path) -> str:
    path = folder / "large.bin"
    return "" if not path.exists() or path.read_bytes() == LARGE else "the file is there and is not the published one"


def remember(folder: Path) -> None:
    os.environ["LESSONS_CACHE"] = str(folder)
    for number in range(40):
        feature_cache.write(KEY, torch.full((200, 64), float(number % 2)))
        sealed.remember(folder / "memory.json", list(range(5000)))


def remembered(folder: Path) -> str:
    os.environ["LESSONS_CACHE"] = str(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        features = feature_cache.read(KEY)
    there = (folder / "memory.json").exists()
    if there and sealed.recall(folder / "memory.json") != list(range(5000)):
        return "the memory is damaged"
    return "" if features is None or len(features.unique()) == 1 else "the features are of two"


WORKS = {
    "training": Work(train, whole_checkpoint, trained),
    "pre-training": Work(pretrain, whole_checkpoint, pretrained),
    "saving": Work(save, saved, saved),
    "a sweep": Work(sweep, lambda folder: "", swept),
    "a sweep's file": Work(keep_runs, kept_runs, all_runs),
    "recording": Work(record, recorded, recorded),
    "worksheets": Work(make_sheets, whole_sheets, sheets),
    "downloads": Work(fetch, fetched, fetched),
    "caches": Work(remember, remembered, remembered),
}


def forked(work: Callable[[Path], object], folder: Path) -> int:
    """The id of a process that does it."""
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setpgid(0, 0)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            work(folder)
        os._exit(0)
    except BaseException:
        (folder / "error.txt").write_text(traceback.format_exc())
    os._exit(1)


def undisturbed(work: Work, folder: Path) -> float:
    """Does it to its end. Returns the seconds. Raises RuntimeError where it fails."""
    start = time.monotonic()
    _, status = os.waitpid(forked(work.do, folder), 0)
    if status:
        raise RuntimeError((folder / "error.txt").read_text() if (folder / "error.txt").exists() else f"{status}")
    return time.monotonic() - start


def killed(name: str, seed: int, folder: Path, seconds: float, wanted: Any) -> dict | None:
    """What became of one kill; None where the work was done first."""
    work, folder = WORKS[name], folder / f"{name} {seed}" / "work"
    folder.mkdir(parents=True)
    pid, wait = forked(work.do, folder), random.Random(f"{name} {seed}").uniform(0, seconds)
    time.sleep(wait)
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if not os.WIFSIGNALED(status):
        shutil.rmtree(folder.parent)
        return None
    line = {"work": name, "seed": seed, "after": round(wait, 3), "outcome": "whole"}
    try:
        if wrong := work.left(folder):
            line["outcome"] = f"lost: {wrong}"
        else:
            undisturbed(work, folder)
            if work.end(folder) != wanted:
                line["outcome"] = "lost: it comes to something else when it goes on"
    except Exception as error:
        line["outcome"] = f"lost: {type(error).__name__}: {error}"[-600:]
    if left := [path.name for path in folder.rglob("*.tmp*")]:
        line["left"] = left  # a temporary file: of no harm
    shutil.rmtree(folder.parent)
    return line


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200, help="kills, over all kinds of work")
    parser.add_argument("--works", nargs="+", default=list(WORKS), choices=WORKS, metavar="WORK")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "counts" / "kills.jsonl")
    args = parser.parse_args()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.loads(line) for line in args.out.read_text().splitlines()] if args.out.exists() else []
    clip(), two_methods(), server()  # what all processes share
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch, args.out.open("a") as out:
        for place, name in enumerate(args.works):
            share = args.count // len(args.works) + (place < args.count % len(args.works))
            seeds = [line["seed"] for line in lines if line["work"] == name]
            if len(seeds) >= share:
                continue
            folder = Path(scratch, f"sound {place}", "work")
            folder.mkdir(parents=True)
            seconds, have, seed = undisturbed(WORKS[name], folder), len(seeds), max(seeds, default=-1) + 1
            wanted = WORKS[name].end(folder)
            while have < share:
                if line := killed(name, seed, Path(scratch), seconds, wanted):
                    lines.append(line)
                    print(json.dumps(line), file=out, flush=True)
                    have += 1
                seconds *= 1.05 if line else 0.8  # the machine is not always equally busy
                seed += 1
    counts = Counter((line["work"], line["outcome"].partition(":")[0]) for line in lines)
    print(f"{'':18}{'kills':>8}{'whole':>8}{'lost':>8}")
    for name in [*WORKS, ""]:
        of = [sum(n for (k, w), n in counts.items() if w == word and name in (k, "")) for word in ("whole", "lost")]
        print(f"{name or 'all':18}{sum(of):8d}{of[0]:8d}{of[1]:8d}")
    wrong = [line for line in lines if line["outcome"] != "whole"]
    for line in wrong:
        print(line)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
