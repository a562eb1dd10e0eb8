"""A wheel built from this tree, installed by itself elsewhere, has ToyCLIP in it and works from any folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]

ENCODE_ONE_IMAGE = """
import socket, sys
from pathlib import Path

def unreachable(*args):
    raise AssertionError(f"the installed package reached for the network: {args}")

socket.socket.connect = socket.getaddrinfo = unreachable
import torch
import lessons_lib as ll

assert Path(ll.__file__).is_relative_to(sys.argv[1]), ll.__file__
clip = ll.load_clip("toyclip", device="cpu", verbose=False)
features = clip.encode_images(torch.zeros(1, 3, clip.image_size, clip.image_size))
assert features.shape == (1, clip.embed_dim)
assert torch.allclose(features.norm(dim=-1), torch.ones(1), atol=1e-4)
print("encoded by", ll.__version__)
"""


def run(*command: object, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=os.environ | environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))[:200]}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_every_module_and_data_file_of_the_package(wheel):
    here = {path.relative_to(ROOT).as_posix() for path in (ROOT / "lessons_lib").rglob("*") if path.is_file()}
    here = {name for name in here if "__pycache__" not in name and not name.endswith((".pyc", ".tmp"))}
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("lessons_lib/")}
    assert here - inside == set()


def test_every_folder_of_the_package_is_an_importable_package():
    folders = {path.parent for path in (ROOT / "lessons_lib").rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []


def test_the_wheel_holds_the_weights_and_stays_small(wheel):
    weights = [entry for entry in zipfile.ZipFile(wheel).infolist() if entry.filename.endswith(".safetensors")]
    assert weights, "no weights of ToyCLIP"
    assert "lessons_lib/clip/toyclip/toyclip.json" in zipfile.ZipFile(wheel).namelist()
    of_clip = sum(entry.file_size for entry in weights if "/clip/" in entry.filename)
    assert of_clip <= 25e6
    assert sum(entry.file_size for entry in weights) - of_clip <= 40e6, "the trained systems"
    assert wheel.stat().st_size <= 70e6


def test_the_installed_wheel_encodes_an_image_from_another_folder(wheel, tmp_path):
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    run(sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", site, wheel, cwd=elsewhere)
    said = run(sys.executable, "-c", ENCODE_ONE_IMAGE, site, cwd=elsewhere, PYTHONPATH=str(site))
    assert said.startswith("encoded by")


def test_the_installed_wheel_gives_worksheets_of_every_lesson_and_no_outputs_travel(wheel, tmp_path):
    site, elsewhere = tmp_path / "site", tmp_path / "else where"
    elsewhere.mkdir()
    run(sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", site, wheel, cwd=elsewhere)
    run(sys.executable, "-m", "lessons_lib.cli", "start", cwd=elsewhere, PYTHONPATH=str(site))
    lessons = sorted(path.name for path in (ROOT / "notebooks").glob("[!.]*.ipynb"))
    assert sorted(path.name for path in (elsewhere / "worksheets").iterdir()) == lessons
    inside = site / "lessons_lib" / "notebooks"
    assert all(
        '"outputs": []' in (text := (inside / name).read_text(encoding="utf-8")) and "image/png" not in text
        for name in lessons
    )
    run(sys.executable, "-m", "lessons_lib.cli", "start", "--language", "zh_CN", cwd=elsewhere, PYTHONPATH=str(site))
    assert "从这里开始" in (elsewhere / "worksheets" / "zh_CN" / "00_start_here.ipynb").read_text(encoding="utf-8")


def test_the_version_is_said_in_one_place_and_the_others_agree():
    import lessons_lib

    changes = re.findall(r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))["version"]
    assert changes[0] == cited == lessons_lib.__version__
    assert "version" in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dynamic"]
