"""Put the lessons and the measured numbers between their markers in README.md and docs/results.md.

    python data_scripts/studies/update_readme.py

The lessons' titles and questions come from the notebooks, their times from lessons_lib/teaching/lesson_times.json
(`run_course.py --record` writes it), the speed from benchmarks/results, the findings from `findings.py`, and the other
tables from lessons_lib/teaching/recorded, which the scripts named there write.
"""

import json
import math
import re
from pathlib import Path

import findings
import findings_zero_shot
import run_comparison

from lessons_lib.files import atomic_write
from lessons_lib.metrics import effects_table, findings_table
from lessons_lib.teaching import recorded_runs
from lessons_lib.teaching.lesson_times import RECORD

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "benchmarks" / "results"
TRAINING = ROOT / "lessons_lib" / "clip" / "toyclip" / "toyclip_training.json"


def lessons_table(folder: Path = ROOT / "notebooks") -> str:
    """A line a lesson, with the title and the question (in bold) that its notebook opens with, as Markdown."""
    lines = ["| lesson | question |", "|---|---|"]
    for path in sorted(folder.glob("[!.]*.ipynb")):
        opening = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
        title = re.match(r"# \d+ · (.+)", opening)[1]
        question = re.search(r"\*\*([^*]+\?)\*\*", opening)[1]
        lines.append(f"| [{path.stem[:2]} {title}](notebooks/{path.name}) | {question} |")
    return "\n".join(lines)


def pretraining_line() -> str:
    """What ToyCLIP saw and how long that took, as a sentence."""
    record = json.loads(TRAINING.read_text())
    cores, sittings = record["hardware"]["cores"], record.get("sittings", 1)
    often = f", in {sittings} sittings" if sittings > 1 else ""
    return (
        f"ToyCLIP saw {record['pairs']:,} freshly drawn pairs in {record['seconds'] / 60:.0f} minutes on {cores} CPU "
        f"cores{often}."
    )


def times_table() -> str:
    """The lessons' seconds and memory, as Markdown."""
    record = json.loads(RECORD.read_text())
    lessons = record["lessons"]
    rows = [f"| {name} | {t['seconds']:.0f} s | {t['peak_gib']:.1f} GiB |" for name, t in sorted(lessons.items())]
    total = sum(t["seconds"] for t in lessons.values())
    header = ["| lesson | time | memory |", "|---|---|---|"]
    return "\n".join([*header, *rows, f"| all | {total:.0f} s | |", "", f"Measured on: {record['machine']}."])


def speed_table() -> str:
    """Seconds and peak memory of one training step, by the library and as published, on a CPU, as Markdown."""
    names = {"coop": "CoOp", "cocoop": "CoCoOp", "maple": "MaPLe", "ivlp": "IVLP", "vpt": "VPT"}
    lines = ["| one training step, or one search | library | as published | times as fast |", "|---|---|---|---|"]
    record = json.loads((BENCHMARKS / "prompt_learning.json").read_text())
    for row in record["rows"]:
        if (row["phase"], row["device"]) == ("step", "cpu"):
            sides = [
                "not run" if row[f"{side}_seconds"] is None
                else f"{row[f'{side}_seconds']:.2f} s, {row[f'{side}_gib']:.2f} GiB"
                for side in ("library", "published")
            ]  # fmt: skip
            times = f"{row['speedup']:.1f}" if "speedup" in row else ""
            what = f"{names[row['method']]}, batch {row['batch']}, {row['classes']} classes"
            lines.append(f"| {what} | {sides[0]} | {sides[1]} | {times} |")
    adapters = json.loads((BENCHMARKS / "adapters.json").read_text())
    for row in (row for row in adapters["rows"] if row["device"] == "cpu"):
        sides = [f"{row[f'{side}_seconds']:,.1f} s" for side in ("library", "published")]
        if row["what"] == "dapt":
            what = f"DAPT, batch {row['batch']}, {row['classes']} classes"
        else:
            what = f"Tip-Adapter's whole grid, {row['classes']} classes × {row['shots']} shots, {row['images']} images"
            sides[1] += f" (foretold from {len(row['pairs_timed'])} of its {math.prod(row['steps'])} pairs)"
        lines.append(f"| {what} | {sides[0]} | {sides[1]} | {row['speedup']:.1f} |")
    on = f"{record['machine']['cores']} CPU cores, torch {record['versions']['torch']}"
    return "\n".join([*lines, "", f"ViT-B/16's shapes in fp32, random weights, {on}.", "", floor_sentence(names)])


def floor_sentence(names: dict[str, str]) -> str:
    """How much of a step its products alone would take."""
    record = json.loads((BENCHMARKS / "floor.json").read_text())
    shares = [
        f"{names.get(row['method'], 'DAPT')} {100 * row['share_of_floor']:.0f} %"
        for row in record["rows"]
        if (row["phase"], row["precision"]) == ("step", "fp32")
    ]
    [classes] = {row["classes"] for row in record["rows"]}
    return (
        "How near the limit is: a step's matrix products alone, each at the pace that the processor reaches on its "
        f"shape, take of its time: {', '.join(shares)} ({classes} classes; `benchmarks/floor.py`, "
        f"{record['machine']['processor']})."
    )


def blocks() -> dict[str, dict[str, str]]:
    """File -> name of a block -> what stands in it."""
    found = {key: one for key, one in findings.all_findings().items() if one["seen"] is not None}
    rows = recorded_runs.comparison(setting=None)
    return {
        "README.md": {
            "lessons": lessons_table(),
            "measured times": times_table(),
            "measured speed": speed_table(),
            "measured pre-training": pretraining_line(),
            "measured findings": findings_table(found),
            "measured comparison": f"{run_comparison.few_shot_table(rows)}\n\n{run_comparison.so_far(rows)}",
            "measured base-to-new": run_comparison.both(run_comparison.base_to_new_table, rows),
        },
        "docs/results.md": {
            "measured pre-training": pretraining_line(),
            "measured zero-shot": findings_zero_shot.markdown(recorded_runs.zero_shot()),
            "measured base-to-new by task": run_comparison.both(run_comparison.base_to_new_by_task, rows),
            "measured effects": effects_table(found),
        },
    }


def with_block(text: str, name: str, block: str) -> str:
    """`text` with what stands between `name`'s two markers replaced. Raises ValueError where they are missing."""
    pattern = re.compile(rf"(<!-- {name}: begin -->\n).*?(<!-- {name}: end -->)", re.S)
    if len(pattern.findall(text)) != 1:
        raise ValueError(f"the markers '<!-- {name}: begin -->' and '<!-- {name}: end -->' are needed once")
    return pattern.sub(lambda found: f"{found[1]}{block.strip()}\n{found[2]}", text)


def updated(text: str, named: dict[str, str]) -> str:
    """`text` with each of the named blocks in its place."""
    for name, block in named.items():
        text = with_block(text, name, block)
    return text


if __name__ == "__main__":
    for file, named in blocks().items():
        atomic_write(ROOT / file, updated((ROOT / file).read_text(), named).encode())
