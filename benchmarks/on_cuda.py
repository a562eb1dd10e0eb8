"""All that there is to know about the course on a CUDA GPU, in one go: `python benchmarks/on_cuda.py`

1. The chip's matrix rate, measured: large square products in each precision.
2. The text tower of CoOp at 1000 classes, forward and backward: how much of that rate it reaches. Operations are
   counted while it runs (torch's flop counter): the fast path is credited with what it computes, not what it saves.
3. Training steps of CoOp a second (ViT-B/16, 1000 classes, batches of 32, cached features), in bf16 and fp32, as the
   library runs them and through torch.compile, each after a warm-up; and the same inside `fit`.
4. The benchmarks of prompt learning and of adapters, against the literal published computation.
5. The test suite, whose tests that touch a device run on the GPU as well.

Weights are random: nothing is downloaded. Everything goes to one JSON file, with machine, versions and settings; the
exit status is 1 when a target is missed or a test fails. `--smoke` runs the same code on the CPU at a tiny size.
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
from pathlib import Path

import adapters
import prompt_learning
import torch
from measuring import ROOT, machine, synchronize, write_record
from prompt_learning import MODEL, class_names, make_clip
from torch.utils.flop_counter import FlopCounterMode

import lessons_lib as ll

sys.path.insert(0, str(ROOT / "tests"))
from noise_task import noise_split  # noqa: E402
from tiny_clip import tiny_config  # noqa: E402

RESULT = ROOT / "benchmarks" / "results" / "on_cuda.json"
STEPS_A_SECOND, SHARE = 100, 0.40  # targets: of CoOp in bf16 as the library runs it, and of its text tower
DTYPES = {"bf16": torch.bfloat16, "fp32": torch.float32}
NO_GPU = (
    "torch finds no CUDA GPU on this machine, so there is nothing to measure: run this on a machine that has one, or "
    "add --smoke to run the same code at a tiny size on the CPU"
)
PARTS = ("rates", "coop", "published", "tests")


def settings_for(smoke: bool) -> dict:
    if smoke:
        return {"device": "cpu", "model": None, "classes": 6, "batch": 4, "matrix": 64, "warm_up": 1, "steps": 2,
                "repeats": 2, "epochs": 2, "compile": {"compiled": {"backend": "eager"}}}  # fmt: skip
    compiled = {"compiled": {}, "compiled, CUDA graphs": {"mode": "reduce-overhead"}}
    return {"device": "cuda", "model": MODEL, "classes": 1000, "batch": 32, "matrix": 8192, "warm_up": 20, "steps": 100,
            "repeats": 5, "epochs": 5, "compile": compiled}  # fmt: skip


def model_of(size: dict, folder: Path) -> str:
    """The model's name, or the file of a tiny one's configuration."""
    if size["model"] is not None:
        return size["model"]
    path = folder / "tiny.json"
    path.write_text(json.dumps(tiny_config()))
    return str(path)


def seconds_a_run(work: Callable[[], object], size: dict) -> float:
    """The median over `repeats` of the mean of `steps` runs in a row, waited for once; a warm-up is not counted."""
    for _ in range(size["warm_up"]):
        work()
    taken = []
    for _ in range(size["repeats"]):
        synchronize(size["device"])
        start = time.perf_counter()
        for _ in range(size["steps"]):
            work()
        synchronize(size["device"])
        taken.append((time.perf_counter() - start) / size["steps"])
    return statistics.median(taken)


def matrix_rate(precision: str, size: dict) -> float:
    """Operations a second of a product of two square matrices; a multiplication and an addition are two."""
    n = size["matrix"]
    a, b = (torch.randn(n, n, device=size["device"]).to(DTYPES[precision]) for _ in range(2))
    out = torch.empty_like(a)
    few = size | {"steps": max(2, size["steps"] // 10)}
    return 2 * n**3 / seconds_a_run(lambda: torch.mm(a, b, out=out), few)


class CoOpRun:
    """CoOp with random weights on features that are at hand: its text tower, and its training step."""

    def __init__(self, precision: str, size: dict, folder: Path):
        self.clip = make_clip(model_of(size, folder), size["device"], precision)
        self.method = ll.CoOp(self.clip, n_ctx=16)
        self.method.set_classes(class_names(size["classes"]))
        draws = torch.Generator().manual_seed(1)
        features = torch.randn(size["batch"], self.clip.embed_dim, generator=draws)
        self.features = torch.nn.functional.normalize(features, dim=1).to(size["device"])
        self.labels = torch.randint(size["classes"], (size["batch"],), generator=draws).to(size["device"])
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


def tower_rate(run: CoOpRun, size: dict) -> tuple[float, int]:
    """Operations a second of the text tower, forward and backward, and how many operations that is."""
    counter = FlopCounterMode(display=False)
    with counter:
        run.tower()
    operations = counter.get_total_flops()
    return operations / seconds_a_run(run.tower, size), operations


def measure_rates(size: dict, folder: Path) -> dict:
    """The tower's rate beside the chip's, in each precision, on the fast path and with every prompt whole."""
    rows = []
    for precision in DTYPES:
        chip = matrix_rate(precision, size)
        run = CoOpRun(precision, size, folder)
        rate, operations = tower_rate(run, size)
        row = {"precision": precision, "matrix_tflops": chip / 1e12, "tower_tflops": rate / 1e12}
        row |= {"share": rate / chip, "tower_gflop": operations / 1e9}
        with run.clip.plain_towers():
            rate, operations = tower_rate(run, size | {"steps": max(2, size["steps"] // 10)})
        rows.append(row | {"whole_prompts_share": rate / chip, "whole_prompts_gflop": operations / 1e9})
        print(f"{precision}: text tower at {row['share']:.0%} of the measured matrix rate", flush=True)
    return {"rates": rows}


def measure_coop(size: dict, folder: Path) -> dict:
    """Steps a second as the library runs them, compiled, and inside `fit`; what cannot be compiled says why."""
    rows = []
    for precision in DTYPES:
        plain = CoOpRun(precision, size, folder)
        row = {"precision": precision, "library": plain.steps_a_second(size), "in_fit": steps_in_fit(plain, size)}
        for name, how in size["compile"].items():
            torch._dynamo.reset()
            run = CoOpRun(precision, size, folder)
            try:
                start = time.perf_counter()
                run.loss = torch.compile(run.method.loss, **how)
                run.step()
                synchronize(size["device"])
                row[f"{name}: seconds to compile"] = time.perf_counter() - start
                row[name] = run.steps_a_second(size)
            except Exception as error:  # of any of the compiler's layers; what it says is the result
                row[name], row[f"{name}: failed"] = None, f"{type(error).__name__}: {str(error)[:300]}"
        rows.append(row)
        print(f"{precision}: {row['library']:.1f} steps a second, {row['in_fit']:.1f} inside fit", flush=True)
    return {"coop": rows}


def steps_in_fit(run: CoOpRun, size: dict) -> float:
    """Of the fastest epoch: its features are at hand, all else is the library's own loop."""
    steps = max(2, size["steps"] // 4)
    names = class_names(size["classes"])
    split = noise_split(-(-steps * size["batch"] // len(names)), seed=1, names=names)
    split = split.subset(
        torch.randperm(len(split), generator=torch.Generator().manual_seed(0))[: steps * size["batch"]]
    )
    pools = {"train": split, "val": split.subset([]), "test": split.subset([])}
    task = ll.Task.from_pools("noise", templates=["a photo of a {}."], **pools)
    method = ll.CoOp(run.clip, n_ctx=16).fit(task, epochs=size["epochs"], batch_size=size["batch"], progress=False)
    return steps / min(row["seconds"] for row in method.history)


def measure_published(size: dict, folder: Path) -> dict:
    """The other benchmarks on this device, whole."""
    found = {}
    for name, main, arguments in (
        ("prompt_learning", prompt_learning.main, ["--classes", "10", "100", "1000", "--limit", "60"]),
        ("adapters", adapters.main, []),
    ):
        out = folder / f"{name}.json"
        if size["model"] is None:
            tiny = ["--model", model_of(size, folder), "--repeats", "1"]
            few = ["--methods", "coop", "--classes", "3"] if name == "prompt_learning" else [
                "--only", "grid", "--classes", "6", "--shots", "2", "--images", "20", "--steps", "6", "3"]  # fmt: skip
            arguments = [*tiny, *few]
        main([*arguments, "--devices", size["device"], "--out", str(out)])
        found[name] = json.loads(out.read_text())["rows"]
    return found


def run_tests(where: list[str], folder: Path) -> dict:
    """How many tests passed, failed and were skipped, and which failed."""
    report = folder / "tests.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *where]
    start = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if not report.exists():
        raise RuntimeError(f"the tests did not run:\n{(done.stdout + done.stderr)[-2000:]}")
    cases = list(ElementTree.parse(report).getroot().iter("testcase"))
    failed = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    skipped = sum(case.find("skipped") is not None for case in cases)
    return {
        "tests": {
            "passed": len(cases) - len(failed) - skipped,
            "failed": len(failed),
            "skipped": skipped,
            "on_cuda": sum("cuda" in case.get("name") for case in cases),
            "seconds": time.perf_counter() - start,
            "failures": [f"{case.get('classname')}::{case.get('name')}" for case in failed],
        }
    }


def judge(results: dict) -> list[dict]:
    """The targets that were measured, and the tests."""
    targets = []
    for what, rows, key, least in (
        ("CoOp, 1000 classes, batch 32, bf16: steps a second", results.get("coop", []), "library", STEPS_A_SECOND),
        ("text tower, 1000 classes, bf16: share of the matrix rate", results.get("rates", []), "share", SHARE),
    ):
        for row in rows:
            if row["precision"] == "bf16":
                targets.append({"what": what, "measured": row[key], "target": least, "met": row[key] >= least})
    if "tests" in results:
        failed = results["tests"]["failed"]
        targets.append({"what": "tests that fail", "measured": failed, "target": 0, "met": failed == 0})
    return targets


def about_gpu() -> dict:
    about = torch.cuda.get_device_properties(0)
    return {
        "gpu": about.name,
        "capability": f"{about.major}.{about.minor}",
        "multiprocessors": about.multi_processor_count,
        "gpu_gib": round(about.total_memory / 2**30, 1),
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "fp32_products": torch.get_float32_matmul_precision(),
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Run tests and benchmarks on a CUDA GPU; write one JSON file.")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--tests", nargs="+", default=["tests"], help="what pytest is given")
    parser.add_argument("--smoke", action="store_true", help="the same code at a tiny size on the CPU; no targets")
    parser.add_argument("--out", type=Path, default=RESULT)
    args = parser.parse_args(arguments)
    if not args.smoke and not torch.cuda.is_available():
        print(NO_GPU, file=sys.stderr)
        return 2

    size = settings_for(args.smoke)
    on = machine() | ({} if args.smoke else about_gpu())
    results: dict = {}
    with tempfile.TemporaryDirectory() as folder:
        for part, measure in (
            ("rates", measure_rates),
            ("coop", measure_coop),
            ("published", measure_published),
            ("tests", lambda size, folder: run_tests(args.tests, folder)),
        ):
            if part in args.only:
                results |= measure(size, Path(folder))
                write_record(args.out, on, size, {"targets": [], **results})  # what is measured is not lost
    targets = [] if args.smoke else judge(results)
    write_record(args.out, on, size, {"targets": targets, **results})
    for row in targets:
        print(f"{'met ' if row['met'] else 'MISSED'}  {row['what']}: {row['measured']:.3g}, target {row['target']}")
    print(f"written to {args.out}")
    failed = results.get("tests", {}).get("failed", 0)
    return 0 if failed == 0 and all(row["met"] for row in targets) else 1


if __name__ == "__main__":
    sys.exit(main())
