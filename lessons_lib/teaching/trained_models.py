"""Systems that took longer to train than a lesson lasts: their weights, which the package brings, and what made them.

Of each there are two files in `trained`: <name>.safetensors, as `method.save` or `save_audio_tower` writes it, and
<name>.json: the settings, the date, the hardware, what was measured, and the SHA-256 of the weights that it speaks of.
A script of `SCRIPTS` makes both, and `keep` or `keep_tower` writes them.

    lseg = trained_models.load("lseg", clip)
    hears = trained_models.load_tower("audioclip", clip)
    trunk = trained_models.load_trunk("trunk_slip")
    trained_models.about("lseg")["validation"]
"""

import json
import os
import platform
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lessons_lib.files import atomic_write, from_json
from lessons_lib.suggest import nearest

if TYPE_CHECKING:
    import torch

    from lessons_lib.clip import Clip
    from lessons_lib.clip.audio import AudioCLIP
    from lessons_lib.methods import Method
    from lessons_lib.pretrain.trunk import Trunk

TRAINED = Path(__file__).with_name("trained")
SCRIPTS = {
    "lseg": "data_scripts/pretraining/train_lseg.py",
    "vild": "data_scripts/pretraining/study_vild.py",
    "vild_text": "data_scripts/pretraining/study_vild.py",
    "vild_ensemble": "data_scripts/pretraining/study_vild.py",
    "groupvit": "data_scripts/pretraining/study_groupvit.py",
    "glip": "data_scripts/pretraining/train_glip.py",
    "glip_unfused": "data_scripts/pretraining/train_glip.py",
    "glip_detection": "data_scripts/pretraining/train_glip.py",
    "audioclip": "data_scripts/pretraining/train_audioclip.py",
    "audioclip_bridging": "data_scripts/pretraining/train_audioclip.py",
    "trunk_clip": "data_scripts/studies/study_slip.py",
    "trunk_simclr": "data_scripts/studies/study_slip.py",
    "trunk_slip": "data_scripts/studies/study_slip.py",
}


def keep(name: str, method: "Method", about: dict[str, Any], folder: Path = TRAINED) -> Path:
    """Writes both files, the weights rounded to 16 bits; `about` without "weights", which is added. Returns the path of
    the weights. Measure the method as `load` gives it again: rounding may change a figure's last digit."""
    folder.mkdir(parents=True, exist_ok=True)
    return with_page(method.save(folder / f"{name}.safetensors", half=True), about)


def keep_tower(name: str, model: "AudioCLIP", clip: "Clip", about: dict[str, Any], folder: Path = TRAINED) -> Path:
    """The same of an audio tower that was trained against `clip`, which stands still."""
    from lessons_lib.clip.audio_files import save_audio_tower

    folder.mkdir(parents=True, exist_ok=True)
    return with_page(save_audio_tower(model, folder / f"{name}.safetensors", clip, half=True), about)


def keep_trunk(name: str, clip: "Clip", about: dict[str, Any], folder: Path = TRAINED) -> Path:
    """The same of the trunk of a small CLIP's image tower, which stands by itself."""
    from lessons_lib.pretrain.trunk import save_trunk

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.safetensors"
    save_trunk(clip, path)
    return with_page(path, about)


def hardware(device: "torch.device") -> dict[str, Any]:
    """What a page says of the machine that trained the weights."""
    import open_clip
    import torch

    from lessons_lib.device import name_of

    name = platform.processor() or platform.machine() if device.type == "cpu" else name_of(device)
    about = {"device": device.type, "name": name, "cores": os.cpu_count()}
    return about | {"torch": torch.__version__, "open_clip": open_clip.__version__}


def with_page(path: Path, about: dict[str, Any]) -> Path:
    """Writes the page beside weights that lie at `path`, which it returns."""
    atomic_write(path.with_suffix(".json"), json.dumps(about | {"weights": _digest(path)}, indent=1).encode())
    return path


def path_of(name: str, folder: Path = TRAINED) -> Path:
    """Where the weights lie. Raises ValueError for a name that is not in `SCRIPTS`, and FileNotFoundError where they
    are not there, with the script that makes them."""
    if name not in SCRIPTS:
        raise ValueError(f"there is no trained model {name!r}: use one of {sorted(SCRIPTS)}. {nearest(name, SCRIPTS)}")
    path = folder / f"{name}.safetensors"
    if not path.is_file():
        raise FileNotFoundError(f"'{path}' is not there: install the package anew, or make it by {SCRIPTS[name]}")
    return path


def about(name: str, folder: Path = TRAINED) -> dict[str, Any]:
    """What made the weights, and what was measured. Raises as `path_of` does, and ValueError where the JSON is damaged
    or speaks of other weights."""
    path = path_of(name, folder)
    told = path.with_suffix(".json")
    if not told.is_file():
        raise FileNotFoundError(f"'{told}' is not there: install the package anew, or make it by {SCRIPTS[name]}")
    try:
        found = from_json(told.read_bytes())
        weights = found["weights"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"'{told}' is damaged ({error!r}): make it anew by {SCRIPTS[name]}") from None
    if weights != _digest(path):
        raise ValueError(f"'{told}' speaks of other weights than '{path.name}': make both anew by {SCRIPTS[name]}")
    return found


def load(name: str, clip: "Clip", folder: Path = TRAINED) -> "Method":
    """The trained method, with the classes that it was fitted on. Raises as `about` and `lessons_lib.load_method` do:
    ValueError, above all, for another CLIP than the one that it was trained around."""
    from lessons_lib.methods import load_method  # so that `about` can be read without torch

    about(name, folder)
    return load_method(path_of(name, folder), clip)


def load_tower(name: str, clip: "Clip", folder: Path = TRAINED) -> "Clip":
    """The same CLIP with the audio tower that was kept. Raises as `about` and `load_audio_tower` do."""
    from lessons_lib.clip.audio_files import load_audio_tower

    about(name, folder)
    return load_audio_tower(path_of(name, folder), clip)


def load_trunk(name: str, folder: Path = TRAINED) -> "Trunk":
    """The trunk that was kept. Raises as `about` and `pretrain.trunk.load_trunk` do."""
    from lessons_lib.pretrain import trunk

    about(name, folder)
    return trunk.load_trunk(path_of(name, folder))


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()
