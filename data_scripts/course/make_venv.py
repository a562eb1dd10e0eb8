"""Make the virtual environment of this project, or bring it up to date.

    python3 data_scripts/course/make_venv.py .venv        # what a learner needs
    python3 data_scripts/course/make_venv.py .venv site   # and extras of pyproject.toml; `dev` brings those it tests

Needs nothing but Python 3.10 or newer with pip or ensurepip. The packages are installed by uv, which is taken from the
PATH or put into the environment first, because it is several times faster; pip does it where uv cannot be had. The
versions are those of constraints.txt, and this package is installed editable. Run again, it installs only what changed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
UNWANTED = ("@jupyterlab/apputils-extension:announcements", "@jupyter/nbgrader")  # of JupyterLab
BIN, EXE = ("Scripts", ".exe") if os.name == "nt" else ("bin", "")


def works(*command: str | Path) -> bool:
    """Whether the command can be run and succeeds."""
    try:
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


def bring_pip(python: Path) -> list[str | Path]:
    """A pip command that installs beside `python`: its own pip, or that of the Python that runs this."""
    if works(python, "-m", "pip", "--version") or works(python, "-m", "ensurepip"):
        return [python, "-m", "pip"]
    if works(sys.executable, "-m", "pip", "--python", python, "--version"):
        return [sys.executable, "-m", "pip", "--python", python]
    sys.exit(
        f"{sys.executable} has neither pip nor ensurepip, so nothing can be installed.\n"
        "Install one of them (Debian, Ubuntu: apt install python3-venv), or uv, and run this again."
    )


def installer(python: Path) -> list[str | Path]:
    """The command to which `install …` is appended: uv's where uv is or can be installed, otherwise pip's."""
    own_uv = python.parent / f"uv{EXE}"
    for uv in (shutil.which("uv"), own_uv):
        if uv and works(uv, "--version"):
            return [uv, "pip"]
    pip = bring_pip(python)
    print("uv is not on the PATH: putting it into the environment", flush=True)
    if subprocess.run([*pip, "install", "--quiet", "uv>=0.5"]).returncode == 0 and works(own_uv, "--version"):
        return [own_uv, "pip"]
    print("uv could not be installed: pip installs the same packages, more slowly", flush=True)
    return pip


def without_news(folder: Path) -> None:
    """JupyterLab of this environment does not ask at its start whether it may show news, and has no menus of nbgrader,
    which is here for the tests. What was set otherwise since is left."""
    config = folder / "etc" / "jupyter" / "labconfig" / "page_config.json"
    content = json.loads(config.read_text(encoding="utf-8")) if config.exists() else {}
    disabled = dict.fromkeys(UNWANTED, True) | content.get("disabledExtensions", {})
    if disabled != content.get("disabledExtensions"):
        config.parent.mkdir(parents=True, exist_ok=True)
        temporary = config.with_suffix(".tmp")  # not lessons_lib's own way: this runs before it is installed
        temporary.write_text(json.dumps(content | {"disabledExtensions": disabled}, indent=2), encoding="utf-8")
        os.replace(temporary, config)


def with_tested(extras: list[str]) -> list[str]:
    """The extras asked for; with `dev` also those that its tests need. (Ray is not built for every other system.)"""
    tested = ["site", "teach", *(["cluster"] if sys.platform == "linux" else [])] if "dev" in extras else []
    return sorted({*extras, *tested})


def main() -> None:
    if sys.version_info < (3, 10):  # noqa: UP036  (this file also runs where the project does not)
        sys.exit(
            f"{sys.executable} is Python {sys.version.split()[0]}; this project needs 3.10 or newer. "
            "If another Python is installed, name it: make PYTHON=python3.11 …"
        )
    start = time.perf_counter()
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".venv").absolute()
    python = folder / BIN / f"python{EXE}"
    if not works(python, "-c", "import sys; assert sys.version_info >= (3, 10)"):
        if folder.exists() and not folder.is_dir():
            sys.exit(f"{folder} is a file: give another place for the environment.")
        if folder.is_dir() and any(folder.iterdir()):
            if not (folder / "pyvenv.cfg").is_file():
                sys.exit(
                    f"{folder} holds other files than a virtual environment, and is left alone: give another place."
                )
            print(f"Removing what is in {folder}, an environment that does not work", flush=True)
        print(f"Making {folder} from Python {sys.version.split()[0]}", flush=True)
        venv.EnvBuilder(clear=folder.exists(), symlinks=os.name != "nt").create(folder)

    command = [*installer(python), "install"]
    if "uv" in Path(command[0]).name:
        # as pip does of itself: where Python may not write bytecode, torch's thousands of files would be compiled again
        # by every process, and a lesson's kernel would start ten seconds later
        command += ["--python", python, "--compile-bytecode"]
    extras = ",".join(with_tested(sys.argv[2:]))
    print("Installing the packages (about 6 GB with torch's CUDA libraries, the first time)", flush=True)
    environment = {"UV_HTTP_TIMEOUT": "300", **os.environ}  # the CUDA libraries are large, and some lines are slow
    done = subprocess.run(
        [*command, "-c", "constraints.txt", "-e", f".[{extras}]" if extras else "."], cwd=ROOT, env=environment
    )
    if done.returncode != 0:
        sys.exit(f"The packages could not be installed into {folder}: see the message above, then run this again.")
    without_news(folder)
    print(f"{folder} is ready after {time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
