"""What becomes of damaged files, counted: `python tests/counts/damages.py --count 500`

Sound files of every kind that can tell (`tests/sound_files.py`) get a flipped bit, a cut, a doubled part or another
file's content, and are read. Seen: an error of ours, a warning, or what is made anew. Same: nothing of what the file
says was changed. Silent: it says something else, without a word. Strange: an error that is not ours.

A line a file is kept in --out; the same command goes on after a stop. Ends with 1 where one was silent or strange.
"""

import argparse
import json
import random
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "data_scripts" / "course")]

from sound_files import DAMAGES, KINDS, Kind  # noqa: E402

CHECKED = ("a state dict", "a TorchScript archive", "released prompts", "a zip file", "a tar file")  # by their own sums
COUNTED = [name for name, kind in KINDS.items() if kind.sealed or name in CHECKED]


def outcome(kind: Kind, path: Path, said: str) -> str:
    """What reading a damaged file comes to.   said: what the sound one says."""
    with warnings.catch_warnings(record=True) as words:
        warnings.simplefilter("always")
        try:
            found = kind.read(path)
        except kind.errors:
            return "seen"
        except Exception as error:
            return f"strange: {type(error).__name__}: {error}"[:200]
    if repr(found) == said:
        return "same"
    return "seen" if words or found is None else "silent"


def damaged(folder: Path, start: int, count: int) -> Iterator[dict]:
    """A line a damaged file, from number `start` on; which file and which damage its number alone decides."""
    sound = {}
    for name in COUNTED:
        path = folder / name / KINDS[name].name
        path.parent.mkdir(parents=True, exist_ok=True)
        KINDS[name].make(path)
        sound[name] = path, path.read_bytes(), repr(KINDS[name].read(path))
    for number in range(start, count):
        name = COUNTED[number % len(COUNTED)]
        how = list(DAMAGES)[number // len(COUNTED) % len(DAMAGES)]
        path, content, said = sound[name]
        others = [other for kind, (_, other, _) in sound.items() if kind != name]
        if name == "a zip file":  # another zip file is a sound one; published ones have a digest (`download`)
            others = [other for other in others if not other.startswith(b"PK")]
        bad = DAMAGES[how](content, random.Random(number), others)
        path.write_bytes(bad)
        found = "same" if bad == content else outcome(KINDS[name], path, said)
        path.write_bytes(content)
        yield {"number": number, "kind": name, "damage": how, "outcome": found}


def table(lines: list[dict]) -> str:
    words = ("seen", "same", "silent", "strange")
    counts = Counter((line["kind"], line["outcome"].partition(":")[0]) for line in lines)
    rows = [f"{'':26}{''.join(f'{word:>9}' for word in words)}"]
    for kind in [*COUNTED, ""]:
        of = [sum(n for (k, w), n in counts.items() if w == word and kind in (k, "")) for word in words]
        rows.append(f"{kind or 'all':26}{''.join(f'{n:9d}' for n in of)}")
    return "\n".join(rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "counts" / "damages.jsonl")
    args = parser.parse_args()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.loads(line) for line in args.out.read_text().splitlines()] if args.out.exists() else []
    with tempfile.TemporaryDirectory() as folder, args.out.open("a") as out:
        for line in damaged(Path(folder), len(lines), args.count):
            lines.append(line)
            print(json.dumps(line), file=out, flush=True)
    print(table(lines))
    wrong = [line for line in lines if line["outcome"] not in ("seen", "same")]
    for line in wrong:
        print(line)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
