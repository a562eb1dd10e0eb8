"""Put the measured numbers into README.md, between its markers: `python data_scripts/update_readme.py`

The lessons' times come from lessons_lib/teaching/lesson_times.json (`run_course.py --record` writes it), the zero-shot
table and the findings from lessons_lib/teaching/recorded/zero_shot_findings.md (`findings_zero_shot.py` writes it).
"""

import json
import re
from pathlib import Path

from lessons_lib.files import atomic_write
from lessons_lib.teaching.lesson_times import RECORD

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
FINDINGS = RECORD.with_name("recorded") / "zero_shot_findings.md"


def times_table() -> str:
    """The lessons' seconds and memory, as Markdown."""
    record = json.loads(RECORD.read_text())
    lessons = record["lessons"]
    rows = [f"| {name} | {t['seconds']:.0f} s | {t['peak_gib']:.1f} GiB |" for name, t in sorted(lessons.items())]
    total = sum(t["seconds"] for t in lessons.values())
    header = ["| lesson | time | memory |", "|---|---|---|"]
    return "\n".join([*header, *rows, f"| all | {total:.0f} s | |", "", f"Measured on: {record['machine']}."])


def with_block(text: str, name: str, block: str) -> str:
    """`text` with what stands between `name`'s two markers replaced. Raises ValueError where they are missing."""
    pattern = re.compile(rf"(<!-- {name}: begin -->\n).*?(<!-- {name}: end -->)", re.S)
    if len(pattern.findall(text)) != 1:
        raise ValueError(f"README.md needs the markers '<!-- {name}: begin -->' and '<!-- {name}: end -->' once")
    return pattern.sub(lambda found: f"{found[1]}{block.strip()}\n{found[2]}", text)


def updated(text: str) -> str:
    """The README with today's records in it."""
    text = with_block(text, "measured times", times_table())
    return with_block(text, "measured findings", FINDINGS.read_text())


if __name__ == "__main__":
    atomic_write(README, updated(README.read_text()).encode())
