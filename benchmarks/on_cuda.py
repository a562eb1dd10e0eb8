"""All that there is to know about the course on a CUDA GPU: `python benchmarks/on_cuda.py --minutes 8`, and again.

It is made of parts that each take a minute or so and are whole in themselves. Each is written to one JSON file as soon
as it is measured, with machine, versions and settings; the same command goes on with what the file lacks, and begins no
part after `--minutes`. Another machine, other versions or settings begin a new file. Without `--minutes`: all at once.

matrix rate    of the chip, measured: large square products in each precision; fp32's products are also taken as TF32
text tower     of CoOp at 1000 classes, forward and backward: how much of that rate it reaches
CoOp           steps a second at 1000 and 100 classes, cached features, as the library runs them, in `fit`, compiled
step           seconds, memory above the model and share of the matrix rate of each method's step, 100 classes
published      the same steps against the literal published computation; and the adapters
pre-training   pairs a second of ToyCLIP's loop
tests          the test suite, folder by folder: those that touch a device run on the GPU as well

Operations are counted while they run (torch's flop counter): the fast path is credited with what it computes, not with
what it saves. Weights are random: nothing is downloaded. The exit status is 1 when a target is missed or a test fails,
3 when there is more to measure. `--smoke` runs the same code on the CPU at a tiny size.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from functools import partial
from pathlib import Path

import adapters
import prompt_learning
import torch
from measuring import ROOT, machine, peak_bytes, same_as_before, synchronize, write_record
from prompt_learning import GIB, MODEL, Case, class_names, make_clip
from torch.utils.flop_counter import FlopCounterMode

import lessons_lib as ll
from lessons_lib import toyworld
from lessons_lib.clip.building import build
from lessons_lib.pretrain.loop import Run, Settings

sys.path.insert(0, str(ROOT / "tests"))
from noise_task import noise_split  # noqa: E402
from tiny_clip import tiny_config  # noqa: E402

RESULT = ROOT / "benchmarks" / "results" / "on_cuda.json"
DTYPES = {"bf16": torch.bfloat16, "tf32": torch.float32, "fp32": torch.float32}
PRECISIONS = {"bf16": "bf16", "tf32": "fp32", "fp32": "fp32"}  # as the library calls them
STEPS = (
    ("coop", 32),
    ("cocoop", 8),
    ("cocoop", 32),
    ("maple", 4),
    ("maple", 32),
    ("ivlp", 4),
    ("vpt", 4),
    ("dapt", 32),
)
TARGETS = {  # part -> what is measured of it, at least
    "CoOp, 1000 classes, bf16": ("library", 100),
    "CoOp, 100 classes, bf16": ("library", 150),
    "text tower, bf16": ("share", 0.40),
    "step, maple, 32, bf16": ("share", 0.45),
    "step, dapt, 32, bf16": ("share", 0.45),
}
NO_GPU = (
    "torch finds no CUDA GPU on this machine, so there is nothing to measure: run this on a machine that has one, or "
    "add --smoke to run the same code at a tiny size on the CPU"
)

Part = Callable[[dict[str, dict]], dict]  # what is measured already -> what this one is


def settings_for(smoke: bool) -> dict:
    if smoke:
        return {"device": "cpu", "model": None, "classes": [6, 3], "matrix": 64, "warm_up": 1, "steps": 2, "repeats": 2,
                "epochs": 2, "pairs": 8, "compile": {"compiled": {"backend": "eager"}}}  # fmt: skip
    compiled = {"compiled": {}, "compiled, CUDA graphs": {"mode": "reduce-overhead"}}
    return {"device": "cuda", "model": MODEL, "classes": [1000, 100], "matrix": 8192, "warm_up": 20, "steps": 100,
            "repeats": 5, "epochs": 5, "pairs": 256, "compile": compiled}  # fmt: skip


def parts_for(size: dict, folder: Path, tests: list[str]) -> dict[str, Part]:
    """In order of what is worth most."""
    many, few = size["classes"]
    parts: dict[str, Part] = {}
    for precision in DTYPES:
        parts[f"matrix rate, {precision}"] = partial(matrix_rate, precision, size)
        parts[f"CoOp, {many} classes, {precision}"] = partial(coop, many, precision, size, folder)
        for method, batch in STEPS:
            parts[f"step, {method}, {batch}, {precision}"] = partial(step, method, batch, precision, size, folder)
    parts |= {f"tests, {where}": partial(run_tests, where, folder) for where in tests}
    for precision in DTYPES:
        parts[f"CoOp, {few} classes, {precision}"] = partial(coop, few, precision, size, folder)
        parts[f"text tower, {precision}"] = partial(text_tower, precision, size, folder)
        parts[f"pre-training, {precision}"] = partial(pre_training, precision, size)
    for method in ("coop", "cocoop", "maple", "ivlp", "vpt"):
        parts[f"published, {method}"] = partial(published, method, size, folder)
    parts["published, adapters"] = partial(published, "adapters", size, folder)
    return parts


# --- what each part measures


def seconds_a_run(work: Callable[[], object], size: dict, share: float = 1.0) -> float:
    """The median over `repeats` of the mean of `steps` runs in a row, waited for once; a warm-up is not counted.
    share: of those steps."""
    steps = max(2, round(size["steps"] * share))
    for _ in range(min(size["warm_up"], steps)):
        work()
    taken = []
    for _ in range(size["repeats"]):
        synchronize(size["device"])
        start = time.perf_counter()
        for _ in range(steps):
            work()
        synchronize(size["device"])
        taken.append((time.perf_counter() - start) / steps)
    return statistics.median(taken)


def operations(work: Callable[[], object]) -> int:
    """A multiplication and an addition are two."""
    counter = FlopCounterMode(display=False)
    with counter:
        work()
    return counter.get_total_flops()


def matrix_rate(precision: str, size: dict, done: dict) -> dict:
    """Of a product of two square matrices."""
    n = size["matrix"]
    a, b = (torch.randn(n, n, device=size["device"]).to(DTYPES[precision]) for _ in range(2))
    out = torch.empty_like(a)
    return {"tflops": 2 * n**3 / seconds_a_run(lambda: torch.mm(a, b, out=out), size, 0.1) / 1e12}


def rated(work: Callable[[], object], precision: str, size: dict, done: dict, share: float = 0.1) -> dict:
    """Seconds, operations, and the share of the chip's matrix rate."""
    work()
    count, taken = operations(work), seconds_a_run(work, size, share)
    rate = count / taken / 1e12
    chip = done[f"matrix rate, {precision}"]["tflops"]
    return {"seconds": taken, "gflop": count / 1e9, "tflops": rate, "share": rate / chip}


class CoOpRun:
    """CoOp with random weights on features that are at hand: its text tower, and its training step."""

    def __init__(self, classes: int, precision: str, size: dict, folder: Path, batch: int = 32):
        self.clip = make_clip(model_of(size, folder), size["device"], PRECISIONS[precision])
        self.method = ll.CoOp(self.clip, n_ctx=16)
        self.names = class_names(classes)
        self.method.set_classes(self.names)
        draws = torch.Generator().manual_seed(1)
        features = torch.randn(batch, self.clip.embed_dim, generator=draws)
        self.features = torch.nn.functional.normalize(features, dim=1).to(size["device"])
        self.labels = torch.randint(classes, (batch,), generator=draws).to(size["device"])
        self.optimizer = torch.optim.SGD(self.method.parameters(), lr=0.002, momentum=0.9, weight_decay=5e-4)
        self.loss: Callable = self.method.loss

    def tower(self) -> None:
        self.method.text_features().sum().backward()

    def step(self) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        self.loss(self.features, self.labels).backward()
        self.optimizer.step()

    def steps_a_second(self, size: dict) -> float:
        return 1 / seconds_a_run(self.step, size)

    def steps_in_fit(self, size: dict) -> float:
        """Of the fastest epoch: its features are at hand, all else is the library's own loop."""
        count = max(2, size["steps"] // 4) * len(self.labels)
        split = noise_split(-(-count // len(self.names)), seed=1, names=self.names)
        split = split.subset(torch.randperm(len(split), generator=torch.Generator().manual_seed(0))[:count])
        pools = {"train": split, "val": split.subset([]), "test": split.subset([])}
        task = ll.Task.from_pools("noise", templates=["a photo of a {}."], **pools)
        settings = {"epochs": size["epochs"], "batch_size": len(self.labels), "progress": False}
        method = ll.CoOp(self.clip, n_ctx=16).fit(task, **settings)
        return count / len(self.labels) / min(row["seconds"] for row in method.history)


def coop(classes: int, precision: str, size: dict, folder: Path, done: dict) -> dict:
    """Steps a second as the library runs them, inside `fit`, and compiled; what cannot be compiled says why."""
    plain = CoOpRun(classes, precision, size, folder)
    row = {"library": plain.steps_a_second(size), "in_fit": plain.steps_in_fit(size)}
    row["gib"] = peak_of(plain.step, size)
    for name, how in size["compile"].items():
        torch._dynamo.reset()
        run = CoOpRun(classes, precision, size, folder)
        try:
            start = time.perf_counter()
            run.loss = torch.compile(run.method.loss, **how)
            run.step()
            synchronize(size["device"])
            row[f"{name}: seconds to compile"] = time.perf_counter() - start
            row[name] = run.steps_a_second(size)
        except Exception as error:  # of any of the compiler's layers; what it says is the result
            row[name], row[f"{name}: failed"] = None, f"{type(error).__name__}: {str(error)[:300]}"
    return row


def text_tower(precision: str, size: dict, folder: Path, done: dict) -> dict:
    """On the fast path, and with every prompt whole."""
    run = CoOpRun(size["classes"][0], precision, size, folder)
    row = rated(run.tower, precision, size, done, 1.0)
    with run.clip.plain_towers():
        whole = rated(run.tower, precision, size, done)
    return row | {f"whole_prompts_{name}": whole[name] for name in ("gflop", "share")}


def step(method: str, batch: int, precision: str, size: dict, folder: Path, done: dict) -> dict:
    """A training step: loss and gradients."""
    classes, name = size["classes"][1], model_of(size, folder)
    if method == "dapt":
        work = adapters.Step(name, classes, batch, size["device"], PRECISIONS[precision]).library
    else:
        work = Case(make_clip(name, size["device"], PRECISIONS[precision]), method, classes, batch).library_step
    return rated(work, precision, size, done) | {"gib": peak_of(work, size)}


def peak_of(work: Callable[[], object], size: dict) -> float | None:
    return None if size["device"] == "cpu" else peak_bytes(work, size["device"]) / GIB


def pre_training(precision: str, size: dict, done: dict) -> dict:
    """Of pairs that are drawn already."""
    clip = ll.load_clip("toyclip", device="cpu")
    images, captions = toyworld.draw_pairs(size["pairs"], seed=0)
    tokens, device = clip.tokenize(captions), torch.device(size["device"])
    dtype = torch.bfloat16 if precision == "bf16" else None
    settings = Settings(batch_size=size["pairs"], steps=10**6)
    vision = clip.model_cfg["vision_cfg"] | {"patch_dropout": settings.patch_dropout}
    model = build(clip.model_cfg | {"vision_cfg": vision}).to(device)
    run = Run(model, settings, lambda x: x.float() / 255, device, dtype)
    return {"pairs_a_second": size["pairs"] / seconds_a_run(lambda: run.train_step(images, tokens), size, 0.2)}


def published(what: str, size: dict, folder: Path, done: dict) -> dict:
    """The other benchmarks on this device: every method, or the adapters."""
    out, tiny = folder / f"{what}.json", size["model"] is None
    if what == "adapters":
        main, arguments = adapters.main, []
        few = ["--only", "grid", "--classes", "6", "--shots", "2", "--images", "20", "--steps", "6", "3"]
    else:
        classes = ["10", "100", *(["1000"] if what == "coop" else [])]
        main, arguments = prompt_learning.main, ["--methods", what, "--classes", *classes, "--limit", "60"]
        few = ["--methods", what, "--classes", "3"]
    if tiny:
        arguments = ["--model", model_of(size, folder), "--repeats", "1", *few]
    main([*arguments, "--devices", size["device"], "--out", str(out)])
    return {"rows": json.loads(out.read_text())["rows"]}


def run_tests(where: str, folder: Path, done: dict) -> dict:
    """How many tests passed, failed and were skipped, and which failed."""
    report = folder / "tests.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", where]
    start = time.perf_counter()
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if not report.exists():
        raise RuntimeError(f"the tests did not run:\n{(ended.stdout + ended.stderr)[-2000:]}")
    cases = list(ElementTree.parse(report).getroot().iter("testcase"))
    failed = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    skipped = sum(case.find("skipped") is not None for case in cases)
    return {
        "passed": len(cases) - len(failed) - skipped,
        "failed": len(failed),
        "skipped": skipped,
        "on_cuda": sum("cuda" in case.get("name") for case in cases),
        "seconds": time.perf_counter() - start,
        "failures": [f"{case.get('classname')}::{case.get('name')}" for case in failed],
    }


# --- the whole


def model_of(size: dict, folder: Path) -> str:
    """The model's name, or the file of a tiny one's configuration."""
    if size["model"] is not None:
        return size["model"]
    path = folder / "tiny.json"
    path.write_text(json.dumps(tiny_config()))
    return str(path)


def test_folders() -> list[str]:
    """What stands in tests/: files, and folders with all that is below them; but for the browser's."""
    found = [path for path in sorted((ROOT / "tests").iterdir()) if path.name != "browser"]
    holds = [path for path in found if path.match("test_*.py") or (path.is_dir() and any(path.rglob("test_*.py")))]
    return [str(path.relative_to(ROOT)) for path in holds]


def judge(done: dict[str, dict]) -> list[dict]:
    """The targets that were measured, and the tests."""
    found = [
        {"what": f"{part}: {what}", "measured": done[part][what], "target": least, "met": done[part][what] >= least}
        for part, (what, least) in TARGETS.items()
        if part in done
    ]
    tests = [row["failed"] for part, row in done.items() if part.startswith("tests")]
    if tests:
        found.append({"what": "tests that fail", "measured": sum(tests), "target": 0, "met": not sum(tests)})
    return found


def about_gpu() -> dict:
    about = torch.cuda.get_device_properties(0)
    return {
        "gpu": about.name,
        "capability": f"{about.major}.{about.minor}",
        "multiprocessors": about.multi_processor_count,
        "gpu_gib": round(about.total_memory / 2**30, 1),
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
    }


def measured_before(path: Path, on: dict, size: dict) -> dict[str, dict]:
    """What the file has of this machine, these versions and settings."""
    record = json.loads(path.read_text()) if path.exists() else {}
    return record["parts"] if same_as_before(record, on, size) else {}


def measure(part: Part, name: str, done: dict) -> dict:
    """In the precision that the name ends with: TF32 is a way to multiply float32."""
    torch.set_float32_matmul_precision("high" if name.endswith("tf32") else "highest")
    try:
        start = time.perf_counter()
        return part(done) | {"took": time.perf_counter() - start}
    finally:
        torch.set_float32_matmul_precision("highest")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Run tests and benchmarks on a CUDA GPU; write one JSON file.")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="after which no other part is begun")
    parser.add_argument("--only", nargs="+", default=[""], help="parts whose name begins with one of these")
    parser.add_argument("--tests", nargs="+", default=test_folders(), help="what pytest is given, one by one")
    parser.add_argument("--smoke", action="store_true", help="the same code at a tiny size on the CPU; no targets")
    parser.add_argument("--out", type=Path, default=RESULT)
    args = parser.parse_args(arguments)
    if not args.smoke and not torch.cuda.is_available():
        print(NO_GPU, file=sys.stderr)
        return 2

    began, size = time.perf_counter(), settings_for(args.smoke)
    on = machine() | ({} if args.smoke else about_gpu())
    done = measured_before(args.out, on, size)
    with tempfile.TemporaryDirectory() as folder:
        parts = parts_for(size, Path(folder), args.tests)
        wanted = [name for name in parts if name.startswith(tuple(args.only)) and name not in done]
        while wanted and time.perf_counter() - began < 60 * args.minutes:
            name = wanted.pop(0)
            done[name] = measure(parts[name], name, done)
            write_record(args.out, on, size, {"targets": [] if args.smoke else judge(done), "parts": done})
            said = {what: round(value, 3) for what, value in done[name].items() if isinstance(value, int | float)}
            print(f"{name}: {said}", flush=True)
    targets = [] if args.smoke else judge(done)
    for row in targets:
        print(f"{'met ' if row['met'] else 'MISSED'}  {row['what']}: {row['measured']:.3g}, target {row['target']}")
    print(f"written to {args.out}" + (f"; {len(wanted)} parts are left: run the same again" if wanted else ""))
    if wanted:
        return 3
    return 0 if all(row["met"] for row in judge(done)) else 1


if __name__ == "__main__":
    sys.exit(main())
