"""`lessons doctor`: what this machine has, what is missing, and what to do about it."""

import argparse
import importlib.metadata
import json
import os
import platform
from dataclasses import asdict

from lessons_lib import environment
from lessons_lib.cli.cache import shown
from lessons_lib.cli.fetch import MODEL
from lessons_lib.environment import MARKS, Finding
from lessons_lib.files import cache_dir, in_bytes
from lessons_lib.threads import COUNT, cores, waiting

EXAMPLES = """\
examples:
  lessons doctor
  lessons doctor --root path/to/DATA    also counts the published data sets' images there
  lessons doctor --json                 for scripts, and for bug reports

Nothing is changed and nothing is downloaded. The exit status is 1 where something is missing that is needed.
✓ is well, – works but know this, ✗ needs mending.
"""
SHOWN = ("torch", "torchvision", "open_clip_torch", "huggingface_hub", "safetensors", "numpy", "pandas", "scikit-learn")


def add(commands) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        "doctor", help="is everything here?", description=__doc__.partition(": ")[2], epilog=EXAMPLES
    )
    parser.add_argument("--root", metavar="FOLDER", help="the folder above the published sets (default: $LESSONS_DATA)")
    parser.add_argument("--json", action="store_true", help="the findings as JSON")
    return parser


def run(args: argparse.Namespace) -> int:
    found = examine(args.root)
    print(as_json(found) if args.json else as_text(found))
    return 1 if needed(found) else 0


def examine(root: str | None = None) -> dict[str, list[Finding]]:
    """Findings by section. Without its packages, only those are looked at."""
    found = {"software": [environment.python(), *environment.packages(), versions()]}
    if needed(found):
        return found
    found["machine"] = [*devices(), threads(), environment.memory(), environment.disk(), cache()]
    found["weights"] = [environment.weights(), *weights()]
    found["data sets"] = datasets(root or os.environ.get("LESSONS_DATA"))
    return found


def needed(found: dict[str, list[Finding]]) -> list[Finding]:
    """What has to be mended."""
    return [finding for section in found.values() for finding in section if finding.state == "missing"]


def versions() -> Finding:
    installed = {}
    for name in SHOWN:
        try:
            installed[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # `environment.packages` says so
    listed = ", ".join(f"{name} {version}" for name, version in installed.items())
    return Finding("versions", f"{listed} on {platform.system()} {platform.machine()}")


def devices() -> list[Finding]:
    """Every GPU, and the processor."""
    from lessons_lib.device import accelerator, all_of, free_and_total, name_of, precision_name, resolve_precision

    found = [environment.device()]
    for one in all_of("auto") if accelerator() else []:
        room = free_and_total(one)
        free = f"{room[0] / 2**30:.0f} of {room[1] / 2**30:.0f} GiB free, " if room else ""
        found.append(Finding(one, f"{name_of(one)}, {free}{precision_name(resolve_precision('auto', one))}"))
    return found


def threads() -> Finding:
    import torch

    asked, usable, there = os.environ.get(COUNT), cores(), os.cpu_count()
    of = f"{usable} cores" if usable == there else f"the {usable} of {there} cores that it may use"
    why = f"{COUNT}={asked}" if asked else f"{COUNT} is not set"
    found = f"{torch.get_num_threads()} for torch, of {of} ({why}); they wait {waiting()}"
    if torch.get_num_threads() > usable:
        return Finding("threads", found, "note", f"set {COUNT}={usable}: more threads than cores are slower")
    return Finding("threads", found)


def cache() -> Finding:
    from lessons_lib.feature_cache import cache_entries

    entries, folder = cache_entries(), cache_dir()
    held = f"'{shown(folder)}', {in_bytes(sum(entry.size for entry in entries))} of features in {len(entries):,} files"
    place = next(place for place in (folder, *folder.parents) if place.exists())
    if os.access(place, os.W_OK):
        return Finding("cache", held)
    return Finding("cache", f"{held}, not writable", "note", "set LESSONS_CACHE to a folder that you can write in")


def weights() -> list[Finding]:
    """Real CLIPs on this machine."""
    from lessons_lib.clip.present import weights_here

    found = [
        Finding(
            " ".join(filter(None, (one.name, one.pretrained))),
            f"{in_bytes(one.path.stat().st_size)}, '{shown(one.path)}'",
        )
        for one in weights_here()
        if one.name != "toyclip"
    ]
    how = f"lessons fetch {MODEL}"
    return found or [Finding("real CLIPs", "none on this machine; the lessons need none", "note", f"to get one: {how}")]


def datasets(root: str | None) -> list[Finding]:
    """The published sets under `root`; what lies there incomplete is to be mended, what does not lie there is not."""
    from lessons_lib.data.published import PUBLISHED
    from lessons_lib.data.published.splits import verify

    get = "lessons fetch NAME --root FOLDER, or docs/datasets.md"
    if not root:
        looked = "no folder given (--root, or LESSONS_DATA); the lessons need none"
        return [Finding("published", looked, "note", f"to get one: {get}")]
    if not os.path.isdir(root):
        return [Finding("published", f"there is no folder '{root}'", "missing", "check --root, or LESSONS_DATA")]
    found, absent = [], []
    for name, spec in PUBLISHED.items():
        if not os.path.isdir(os.path.join(root, spec.folder)):
            absent.append(name)
            continue
        report = verify(name, root)
        counts = ", ".join(f"{part} {count:,}" for part, count in report.images.items() if count)
        if not report.problems:
            found.append(Finding(name, f"complete: {report.classes:,} classes, {counts}"))
        else:
            mend = f"lessons fetch {name} --root '{root}'"
            found.append(Finding(name, "; ".join(report.problems), "missing", mend))
    if absent:
        found.append(Finding("not there", ", ".join(absent), "note", f"to get one: {get}"))
    return found


def as_text(found: dict[str, list[Finding]]) -> str:
    """A line a finding, what to do under it, and the sum of it."""
    width = max(len(finding.what) for section in found.values() for finding in section)
    lines = []
    for title, section in found.items():
        lines.append(f"{title}:")
        for finding in section:
            lines.append(f"  {MARKS[finding.state]} {finding.what:{width}}  {finding.found}")
            if finding.mend:
                lines.append(f"    {'':{width}}  → {finding.mend}")
    bad = needed(found)
    lines += ["", "all good" if not bad else f"what to do ({len(bad)}):"]
    return "\n".join([*lines, *(f"  {finding.what}: {finding.mend or finding.found}" for finding in bad)])


def as_json(found: dict[str, list[Finding]]) -> str:
    sections = {title: [asdict(finding) for finding in section] for title, section in found.items()}
    return json.dumps({"good": not needed(found), **sections}, indent=2, ensure_ascii=False)
