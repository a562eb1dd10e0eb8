"""What starting costs: counted in modules that are imported, since a clock tells of the machine as well."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEAVY = {"torch", "torchvision", "open_clip", "numpy", "scipy", "sklearn", "pandas", "matplotlib", "seaborn", "PIL",
         "IPython", "ipywidgets", "huggingface_hub", "safetensors", "tqdm", "yaml", "ray", "transformers"}  # fmt: skip
MOST = 40  # modules of the library itself that help needs


def imported(code: str) -> set[str]:
    """What Python has imported once it has run this."""
    code += "\nimport sys; print('\\n' + ' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, errors="replace", check=True
    )
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "code",
    [
        "import lessons_lib",
        "from lessons_lib.cli import main; main(['--help'])",
        "from lessons_lib.cli import main; main(['fit', '--help'])",
        "from lessons_lib.cli import main; main(['bench', '--help'])",
        "from lessons_lib.cli import main; main(['doctor', '--help'])",
    ],
)
def test_importing_the_library_and_asking_for_help_import_nothing_heavy(code):
    found = imported(code)
    assert not {name.partition(".")[0] for name in found} & HEAVY
    assert sum(name.startswith("lessons_lib") for name in found) <= MOST


def test_the_library_adds_nothing_to_torchs_own_start_that_it_does_not_need():
    """Beside torch it imports nothing, and for the names of a lesson neither plots, nor notebooks, nor clusters."""
    added = imported("import torch, lessons_lib") - imported("import torch")
    assert {name.partition(".")[0] for name in added} & HEAVY == set() and len(added) < 40
    found = imported("import lessons_lib as ll; ll.load_clip; ll.load_task; ll.CoOp")
    assert not {name.partition(".")[0] for name in found} & {"matplotlib", "seaborn", "IPython", "ipywidgets", "ray"}
