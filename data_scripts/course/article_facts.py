"""Counts docs/coverage.md anew, after one of its rows has changed: `python data_scripts/course/article_facts.py`.

That page lists what five articles on CLIP say, a fact a row, with one of three states: links to the sections where a
learner meets it; "planned: 04", the lesson that it belongs into; "left out: " and why. `--planned` prints what a lesson
still lacks. The page's faults are printed and not mended: links that lead nowhere, rows without a state.
"""

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from lessons_lib.files import atomic_write
from lessons_lib.worksheets import text_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "coverage.md"
STATES = ("met", "planned", "left out")
CORRECTED = "**Corrected:**"  # what an article says, and then what is right
BEGIN, END = "<!-- counts: begin -->\n", "<!-- counts: end -->\n"
LINK = re.compile(r"\[[^\]]+\]\(([^)]*)\)")
LAST_LESSON = 17


class Row(NamedTuple):
    article: str  # the heading that it stands under
    fact: str
    where: str

    @property
    def links(self) -> list[str]:
        return LINK.findall(self.where)

    @property
    def state(self) -> str | None:
        """One of `STATES`, or None where the row has none, or more than one."""
        if re.fullmatch(rf"{LINK.pattern}(, {LINK.pattern})*", self.where):
            return "met"
        if (lesson := self.lesson) is not None and lesson <= LAST_LESSON:
            return "planned"
        return "left out" if re.fullmatch(r"left out: \w[^\[]+", self.where) else None

    @property
    def lesson(self) -> int | None:
        """The number of the lesson that the fact is planned for."""
        planned = re.fullmatch(r"planned: (\d\d)", self.where)
        return int(planned[1]) if planned else None


def rows(text: str) -> list[Row]:
    """The rows of the page's tables of facts, in order. Raises ValueError for a row that has not two cells."""
    found, article, inside = [], "", False
    for line in text.splitlines():
        if line.startswith("## "):
            article = line[3:]
        if not line.startswith("|"):
            inside = False
        elif line == "| fact | where |":
            inside = True
        elif inside and not line.startswith("|---"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if len(cells) != 2:
                raise ValueError(f"a row has a fact and where it is met, two cells: {line!r}")
            found.append(Row(article, *cells))
    return found


def anchors(lesson: Mapping[str, Any]) -> set[str]:
    """What a link to a section of a notebook ends with, as Jupyter and GitHub make it of the section's heading."""
    cells = (text_of(cell) for cell in lesson["cells"] if cell["cell_type"] == "markdown")
    headings = (heading for source in cells for heading in re.findall(r"^#+ +(.+?) *$", source, re.M))
    return {re.sub(r"[`*]", "", heading).replace(" ", "-") for heading in headings}


def faults(text: str, folder: Path = PAGE.parent) -> Iterator[str]:
    """What is wrong with the page, a sentence each. folder: where its links start from."""
    sections: dict[Path, set[str]] = {}
    facts = rows(text)
    for fact, times in Counter((row.article, row.fact) for row in facts).items():
        if times > 1:
            yield f"stands there {times} times: {fact[1]!r}"
    for row in facts:
        if not row.fact or row.state is None:
            yield f"{row.fact!r} is neither met (links alone), nor planned (planned: 04), nor left out (left out: why)"
        for link in row.links:
            name, _, section = link.partition("#")
            path = folder / name
            if not path.is_file():
                yield f"{row.fact!r} is said to be met in {name!r}, and there is no such file"
                continue
            if path not in sections:
                sections[path] = anchors(json.loads(path.read_text(encoding="utf-8")))
            if section not in sections[path]:
                yield f"{row.fact!r} is said to be met in {name} under {section!r}, and it has no such section"
    if text != with_counts(text):
        yield "the counts are not those of the rows: python data_scripts/course/article_facts.py writes them"


def counts(facts: list[Row]) -> str:
    """How many facts of each article are met, planned and left out, and in how many it erred, as Markdown."""
    lines = ["| | facts | met | planned | left out | corrected |", "|---|---|---|---|---|---|"]
    for article in [*dict.fromkeys(row.article for row in facts), "all"]:
        own = [row for row in facts if article in (row.article, "all")]
        states = Counter(row.state for row in own)
        numbers = [len(own), *(states[state] for state in STATES), sum(CORRECTED in row.fact for row in own)]
        lines.append(f"| {article} | " + " | ".join(map(str, numbers)) + " |")
    return "\n".join(lines) + "\n"


def with_counts(text: str) -> str:
    """The page with its counts made anew. Raises ValueError where it has no place for them."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the counts stand between {BEGIN.strip()!r} and {END.strip()!r}, each on a line of its own")
    return before + begin + counts(rows(text)) + end + after


def planned(facts: list[Row]) -> str:
    """What each lesson lacks, by lesson."""
    by_lesson: dict[int, list[str]] = {}
    for row in facts:
        if row.state == "planned":
            by_lesson.setdefault(row.lesson, []).append(f"  {row.fact} ({row.article})")
    return "\n".join(f"{lesson:02}\n" + "\n".join(lacks) for lesson, lacks in sorted(by_lesson.items()))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--planned", action="store_true", help="print what each lesson lacks, and write nothing")
    args = parser.parse_args(arguments)
    text = PAGE.read_text(encoding="utf-8")
    if args.planned:
        print(planned(rows(text)))
        return 0
    text = with_counts(text)
    atomic_write(PAGE, text.encode())
    found = list(faults(text))
    print("\n".join(found) if found else counts(rows(text)), file=sys.stderr if found else sys.stdout)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
