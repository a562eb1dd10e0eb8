"""The README's numbers are the recorded ones."""

import json
import re
from pathlib import Path

import pytest
import update_readme

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("file", ["README.md", "docs/results.md"])
def test_the_recorded_times_and_findings_are_shown(file):
    text = (ROOT / file).read_text(encoding="utf-8")
    assert update_readme.updated(text, update_readme.blocks()[file]) == text, (
        "run: python data_scripts/studies/update_readme.py"
    )


def test_a_readme_without_markers_is_an_error():
    with pytest.raises(ValueError, match="lessons: begin"):
        update_readme.updated("# nothing here\n", update_readme.blocks()["README.md"])


def test_lessons_are_listed_with_the_title_and_question_of_their_notebooks(tmp_path):
    openings = {"01_b": "# 01 · Second\n\n**Why?**\n\n**not this**", "00_a": "# 00 · First\n\n**How?**"}
    for name, opening in openings.items():
        (tmp_path / f"{name}.ipynb").write_text(json.dumps({"cells": [{"cell_type": "markdown", "source": [opening]}]}))
    (tmp_path / ".00_a.0123456789ab.tmp.ipynb").write_text("{")  # what a kill left
    assert update_readme.lessons_table(tmp_path).splitlines()[2:] == [
        "| [00 First](notebooks/00_a.ipynb) | How? |",
        "| [01 Second](notebooks/01_b.ipynb) | Why? |",
    ]


def test_every_file_that_the_readme_links_to_is_there():
    links = re.findall(r"\]\((?!http)([^)#]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert links and all((ROOT / link).exists() for link in links)
