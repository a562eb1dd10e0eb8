"""The lists of dependencies agree with one another, and the tests run in the conditions that they promise."""

from __future__ import annotations

import ast
import itertools
import os
import socket
import sys
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONSTRAINTS = (ROOT / "constraints.txt").read_text()
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())
DISTRIBUTIONS = {"PIL": "pillow", "sklearn": "scikit-learn", "open_clip": "open_clip_torch", "yaml": "pyyaml"}
PYTHONS = ("3.10", "3.11", "3.12", "3.13")


def versions_for(python: str) -> dict[str, str]:
    """Distribution name -> version that constraints.txt gives it on that Python, on 64-bit Linux."""
    machine = {"python_version": python, "python_full_version": f"{python}.9", "sys_platform": "linux"}
    machine |= {"os_name": "posix", "platform_machine": "x86_64", "platform_system": "Linux"}
    machine |= {"implementation_name": "cpython"}
    lines = [Requirement(line) for line in CONSTRAINTS.splitlines() if line.strip()]
    chosen = [line for line in lines if line.marker is None or line.marker.evaluate(machine)]
    versions = {canonicalize_name(line.name): str(line.specifier).removeprefix("==") for line in chosen}
    assert len(versions) == len(chosen), "a package is constrained twice"
    return versions


def requirements() -> list[Requirement]:
    extras = PROJECT["optional-dependencies"].values()
    return [Requirement(line) for line in [*PROJECT["dependencies"], *itertools.chain(*extras)]]


@pytest.mark.parametrize("python", PYTHONS)
def test_every_dependency_has_a_tested_version_inside_its_range(python):
    versions = versions_for(python)
    outside = [
        f"{need} but {versions.get(canonicalize_name(need.name), 'nothing')}"
        for need in requirements()
        if not need.specifier.contains(versions.get(canonicalize_name(need.name), "0"))
    ]
    assert not outside


def test_constraints_are_names_and_exact_versions_only():
    assert "://" not in CONSTRAINTS and "@" not in CONSTRAINTS and "--" not in CONSTRAINTS
    for line in CONSTRAINTS.splitlines():
        need = Requirement(line)
        assert not need.extras and not need.url
        assert str(need.specifier).startswith("==") and "*" not in str(need.specifier), line


def test_every_dependency_has_a_lower_bound():
    assert [str(need) for need in requirements() if ">=" not in str(need.specifier)] == []


def test_conda_installs_this_package_with_the_same_constraints():
    python = next(line for line in CONDA["dependencies"] if isinstance(line, str) and line.startswith("python="))
    assert SpecifierSet(PROJECT["requires-python"]).contains(python.removeprefix("python=") + ".0")
    pip = next(line["pip"] for line in CONDA["dependencies"] if isinstance(line, dict))
    assert pip == ["-c constraints.txt", "-e ."]


def test_tests_cannot_reach_the_network():
    with pytest.raises(OSError, match="no network"):
        socket.create_connection(("example.org", 443), timeout=1)
    with pytest.raises(OSError, match="no network"):
        socket.socket().connect(("192.0.2.1", 443))


def test_tests_have_a_cache_of_their_own(tmp_path_factory):
    assert Path(os.environ["LESSONS_CACHE"]).is_relative_to(tmp_path_factory.getbasetemp())


def test_everything_that_the_package_imports_is_a_declared_dependency():
    imported = set()
    for path in (ROOT / "lessons_lib").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                imported.add(node.module.split(".")[0])
    third_party = imported - sys.stdlib_module_names - {"lessons_lib"}
    needed = {canonicalize_name(DISTRIBUTIONS.get(name, name)) for name in third_party}
    extras = PROJECT["optional-dependencies"]
    declared = PROJECT["dependencies"] + extras["cluster"] + extras["photos"] + extras["boxes"] + extras["teach"]
    # grading is a part of nbgrader's run, and speaks with what that brings and is made of
    declared += [*metadata.requires("nbgrader"), "nbformat", "traitlets"]
    assert needed - {canonicalize_name(Requirement(line).name) for line in declared} == set()
