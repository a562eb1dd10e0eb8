"""Is everything here? Python, packages, ToyCLIP's weights, device, memory, disk: what is missing and how to mend it.

environment.check()      # in a notebook this shows the findings; .ok says whether all is well
"""

import ast
import importlib.metadata
import re
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lessons_lib.threads import cores as usable_cores

if TYPE_CHECKING:
    from packaging.requirements import Requirement

OLDEST_PYTHON = (3, 10)
MEMORY_GIB = 3.0  # the most that a lesson may take
DISK_GIB = 1.0  # the features of all lessons take far less
ROOT = Path(__file__).resolve().parents[1]
MARKS = {"ok": "✓", "note": "–", "missing": "✗"}


@dataclass(frozen=True)
class Finding:
    """One thing looked at. state: "ok", "note" (works, but know this) or "missing"; mend: what to do about it."""

    what: str
    found: str
    state: str = "ok"
    mend: str = ""


@dataclass
class Report:
    """All findings; shown as lines of text."""

    findings: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether the lessons can run."""
        return all(finding.state != "missing" for finding in self.findings)

    def __repr__(self) -> str:
        width = max(len(finding.what) for finding in self.findings)
        lines = []
        for finding in self.findings:
            lines.append(f"{MARKS[finding.state]} {finding.what:{width}}  {finding.found}")
            if finding.mend:
                lines.append(f"  {'':{width}}  → {finding.mend}")
        bad = sum(finding.state == "missing" for finding in self.findings)
        things = "thing needs" if bad == 1 else "things need"
        lines += ["", "Everything is here." if self.ok else f"{bad} {things} mending: see the arrows."]
        return "\n".join(lines)


def check() -> Report:
    """Looks at this machine and this Python. Takes a few seconds, most of them to import torch; changes nothing."""
    findings = [python(), *packages()]
    if all(finding.state != "missing" for finding in findings):  # without torch there is nothing more to see
        findings += [weights(), device(), memory(), disk()]
    return Report(findings)


def python(version: tuple[int, ...] = tuple(sys.version_info[:3])) -> Finding:
    """Whether this Python is new enough."""
    found, needed = (".".join(map(str, v)) for v in (version, OLDEST_PYTHON))
    if version >= OLDEST_PYTHON:
        return Finding("Python", found)
    return Finding("Python", found, "missing", f"Python {needed} or newer is needed: make setup PYTHON=python{needed}")


def requirements() -> list["Requirement"]:
    """What pyproject.toml asks for; of an installed wheel, what its metadata says."""
    from packaging.requirements import Requirement

    project = ROOT / "pyproject.toml"
    if project.is_file():
        listed = re.search(r"^dependencies = (\[.*?^\])", project.read_text(encoding="utf-8"), re.M | re.S)
        lines = ast.literal_eval(listed[1])  # a list of strings reads the same in TOML and in Python
    else:
        lines = importlib.metadata.requires("lessons_lib") or []
    asked = [Requirement(line) for line in lines]
    return [r for r in asked if r.marker is None or r.marker.evaluate({"extra": ""})]


def packages(asked: "list[Requirement] | None" = None) -> list[Finding]:
    """Whether every package is here, in a version that the lessons are tested with."""
    findings, good = [], 0
    asked = requirements() if asked is None else asked
    for need in asked:
        try:
            version = importlib.metadata.version(need.name)
        except importlib.metadata.PackageNotFoundError:
            findings.append(Finding(need.name, "not installed", "missing", f"run: {_pip(need)}"))
            continue
        if need.specifier.contains(version, prereleases=True):
            good += 1
        else:
            asks = f"the lessons are tested with {need.specifier}"
            findings.append(Finding(need.name, version, "missing", f"{asks}; run: {_pip(need)}"))
    return [Finding("packages", f"{good} of {len(asked)} in the versions asked for"), *findings]


def _pip(need: "Requirement") -> str:
    return f'python -m pip install "{need.name}{need.specifier}", or make setup for everything'


def weights(path: Path | None = None) -> Finding:
    """Whether ToyCLIP's weights are here and whole."""
    from lessons_lib import sealed

    path = ROOT / "lessons_lib" / "clip" / "toyclip" / "toyclip.safetensors" if path is None else path
    script = "data_scripts/pretraining/pretrain_toyclip.py"
    mend = f"fetch the file again (git checkout, or reinstall), or make it: python {script}"
    if not path.is_file():
        return Finding("ToyCLIP", f"{path.name} is not in the package", "missing", mend)
    from safetensors import SafetensorError

    try:
        count = len(sealed.load(path)[0])
    except (SafetensorError, ValueError, OSError) as error:
        return Finding("ToyCLIP", f"{path.name} is damaged ({error})", "missing", mend)
    return Finding("ToyCLIP", f"{count} weight tensors, {path.stat().st_size / 1e6:.0f} MB, in the package")


def device() -> Finding:
    """What the lessons will compute on."""
    import torch

    from lessons_lib.device import free_and_total, name_of, resolve_device

    chosen = resolve_device("auto")
    if chosen.type != "cpu":
        room = free_and_total(chosen)
        return Finding("device", name_of(chosen) + (f", {room[1] / 2**30:.0f} GiB" if room else ""))
    cores, threads = usable_cores(), torch.get_num_threads()
    found = f"CPU with {cores} cores ({threads} used by torch); the lessons need no GPU"
    if threads < min(cores // 2, 2):
        return Finding("device", found, "note", "set OMP_NUM_THREADS to the number of cores for more speed")
    return Finding("device", found)


def memory(free_gib: float | None = None) -> Finding:
    """Whether there is room for the largest lesson."""
    import psutil

    free = psutil.virtual_memory().available / 2**30 if free_gib is None else free_gib
    found = f"{free:.0f} GiB free; a lesson takes at most {MEMORY_GIB:.0f}"
    if free >= MEMORY_GIB:
        return Finding("memory", found)
    found = f"{free:.1f} GiB free; a lesson takes up to {MEMORY_GIB:.0f}"
    return Finding("memory", found, "note", "close other notebooks (Kernel, Shut Down All Kernels) and large programs")


def disk(free_gib: float | None = None) -> Finding:
    """Whether features can be kept."""
    from lessons_lib.files import cache_dir

    if free_gib is None:
        folder = cache_dir()
        free_gib = shutil.disk_usage(next(f for f in (folder, *folder.parents) if f.exists())).free / 2**30
    found = f"{free_gib:.0f} GiB free where features are cached; {DISK_GIB:.0f} is plenty"
    if free_gib >= DISK_GIB:
        return Finding("disk", found)
    found = f"{free_gib:.1f} GiB free where features are cached"
    return Finding("disk", found, "note", "make room, or set LESSONS_CACHE to a folder on a larger disk")
