"""What others take the project up with: the targets of make, the workflow that calls them, licences, citation."""

import os
import re
import subprocess
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import pytest
import yaml
from letters import needs_letters
from packaging.requirements import Requirement

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.M))
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "course.yml").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def commands() -> list[str]:
    """Every command that the workflow runs."""
    return [step["run"] for job in WORKFLOW["jobs"].values() for step in job["steps"] if "run" in step]


@pytest.fixture
def tools(tmp_path) -> Path:
    """An environment whose programs write down what they were called with, an argument a line."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("lessons", "jupyter", "python"):
        (folder / name).write_text(
            f'#!/bin/sh\nfor word in "$@"; do echo "{name}: $word" >> "{tmp_path}/called"; done\n'
        )
        (folder / name).chmod(0o755)
    return folder


@needs_letters
@pytest.mark.skipif(os.name == "nt", reason="make and sh are another system's")
@pytest.mark.parametrize("target", ["lab", "worksheets"])
def test_a_folder_may_have_spaces_and_letters_of_any_kind(tools, target):
    stamp = tools.parent / "stamp"
    stamp.touch()
    given = [f"BIN={tools}", f"STAMP={stamp}", "FOLDER=my sheets für été", f"-o{stamp}"]
    subprocess.run(["make", target, *given], cwd=ROOT, check=True, capture_output=True)
    called = (tools.parent / "called").read_text(encoding="utf-8").splitlines()
    assert "lessons: my sheets für été" in called
    assert target != "lab" or "jupyter: --ServerApp.root_dir=my sheets für été" in called


@pytest.mark.skipif(os.name == "nt", reason="make and sh are another system's")
def test_the_lab_on_the_lessons_themselves_makes_no_worksheets(tools):
    stamp = tools.parent / "stamp"
    stamp.touch()
    given = [f"BIN={tools}", f"STAMP={stamp}", "FOLDER=notebooks", f"-o{stamp}"]
    subprocess.run(["make", "lab", *given], cwd=ROOT, check=True, capture_output=True)
    assert "lessons:" not in (tools.parent / "called").read_text(encoding="utf-8")


def test_the_workflow_calls_what_people_are_told_to_call():
    for command in commands():
        if command.startswith("make "):
            assert command.split()[1] in TARGETS, command
        for path in re.findall(r"[\w/]+\.(?:py|ipynb)", command):
            assert (ROOT / path).is_file(), command
        for extra in re.findall(r"\.\[([\w,]+)\]", command):
            assert set(extra.split(",")) <= set(EXTRAS), command
    assert {"make test", "make course", "make site", "make wheel"} <= set(commands())


def test_the_workflow_covers_every_supported_python_and_three_systems():
    matrix = WORKFLOW["jobs"]["elsewhere"]["strategy"]["matrix"]
    assert matrix["python"] == ["3.10", "3.11", "3.12", "3.13"]
    assert [name.partition("-")[0] for name in matrix["os"]] == ["ubuntu", "macos", "windows"]
    for job in WORKFLOW["jobs"].values():
        assert "timeout-minutes" in job and all("uses" in step or "run" in step for step in job["steps"])
        assert set(job.get("needs", "everything").split()) <= set(WORKFLOW["jobs"])


def test_what_a_learner_installs_has_no_tools_of_teachers_authors_or_clusters():
    needed = {Requirement(line).name.lower() for line in PROJECT["dependencies"]}
    assert not needed & {"nbgrader", "ray", "sphinx", "furo", "myst-parser", "pytest", "nbval", "nbconvert", "ruff"}


def test_every_package_that_is_needed_has_its_licence_listed():
    listed = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8").lower()
    shipped = [*PROJECT["dependencies"], *(line for extra in EXTRAS if extra != "dev" for line in EXTRAS[extra])]
    names = {Requirement(line).name.lower() for line in shipped}
    assert [name for name in sorted(names) if f"| {name}" not in listed] == []


def test_the_licences_listed_are_those_that_the_packages_state():
    rows = re.findall(
        r"^\| ([\w-]+)(?: \([^)]*\))? \| (.+?) \|$", (ROOT / "docs" / "licences.md").read_text(encoding="utf-8"), re.M
    )
    compared = 0
    for name, licence in rows:
        try:
            about = metadata(name)
        except PackageNotFoundError:
            continue
        stated = " ".join(filter(None, [about["License-Expression"], about["License"], *_classifiers(about)])).lower()
        family = re.split(r"[-, ']", licence.lower())[0]
        assert family in stated, f"{name}: {licence!r}, it says {stated[:200]!r}"
        compared += 1
    assert compared >= 15


def _classifiers(about) -> list[str]:
    return [line for line in about.get_all("Classifier") or [] if line.startswith("License")]


def test_the_citation_names_what_it_must():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors", "version", "license"} <= set(cited)
    assert cited["license"] == PROJECT["license"] and cited["title"].split(":")[0] in (ROOT / "README.md").read_text(
        encoding="utf-8"
    )


def test_issue_forms_can_be_read():
    forms = [path for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml"]
    assert len(forms) == 2
    for path in forms:
        form = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert (
            form["name"] and form["description"] and all({"type", "attributes"} <= set(part) for part in form["body"])
        )


def test_containers_install_the_course_as_the_readme_does():
    line = "pip install -c constraints.txt -e ."
    assert line in (ROOT / "README.md").read_text(encoding="utf-8")
    assert line in (ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8")
    assert "pip install --no-cache-dir -e ." in (ROOT / ".binder" / "postBuild").read_text(encoding="utf-8")
