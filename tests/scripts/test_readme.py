"""The README's numbers are the recorded ones."""

import re
from pathlib import Path

import pytest
import update_readme

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("file", ["README.md", "docs/results.md"])
def test_the_recorded_times_and_findings_are_shown(file):
    text = (ROOT / file).read_text()
    assert update_readme.updated(text, update_readme.blocks()[file]) == text, (
        "run: python data_scripts/studies/update_readme.py"
    )


def test_a_readme_without_markers_is_an_error():
    with pytest.raises(ValueError, match="measured times"):
        update_readme.updated("# nothing here\n", update_readme.blocks()["README.md"])


def test_every_lesson_is_listed():
    listed = re.findall(r"\]\((notebooks/\S+\.ipynb)\) \|", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert listed == [f"notebooks/{path.name}" for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]


def test_every_file_that_the_readme_links_to_is_there():
    links = re.findall(r"\]\((?!http)([^)#]+)\)", (ROOT / "README.md").read_text())
    assert links and all((ROOT / link).exists() for link in links)
