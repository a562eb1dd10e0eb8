"""An audio tower beside a CLIP that is there already: added with random weights, saved alone, and loaded again.

The file is a safetensors file of the tower and its two scales. Its header says the tower's configuration, and the
fingerprint of the CLIP that it was trained against: beside another one it would mean nothing. A CLIP that was trained
together with its audio tower is saved whole, as any open_clip model in a folder: `load_clip("local-dir:the/folder")`.
"""

import json
from dataclasses import asdict
from pathlib import Path

import torch
from open_clip.model import CLIP
from safetensors import SafetensorError

from lessons_lib.clip.audio import AUDIO_CFG, AudioCLIP, is_of_audio
from lessons_lib.clip.building import build
from lessons_lib.clip.copies import frozen_copy
from lessons_lib.clip.model import Clip
from lessons_lib.files import atomic_write, expanded, from_json
from lessons_lib.sealed import load, not_finite, to_bytes


def with_audio(clip: Clip, audio_cfg: dict | None = None, *, seed: int = 0) -> AudioCLIP:
    """The same model, copied, with an audio tower of random weights that the seed draws, in evaluation mode.

    audio_cfg: of `AudioResNet`; by default one of a million numbers.
    Raises ValueError where the model is not of open_clip's CLIP class, or hears already.
    """
    if type(clip.model) is not CLIP:
        raise ValueError(
            f"an audio tower is added to a model of open_clip's CLIP class, which {clip.name} is not "
            f"({type(clip.model).__name__}): use ToyCLIP, ViT-B-16-quickgelu or another of that class"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build({**clip.model_cfg, "audio_cfg": dict(AUDIO_CFG if audio_cfg is None else audio_cfg)})
    model.load_state_dict(model.state_dict() | clip.model.state_dict())
    return model.eval().to(clip.device)


def as_clip(model: AudioCLIP, clip: Clip) -> Clip:
    """A frozen copy of the model with what belongs to `clip`, to which its tower was added by `with_audio`."""
    cfg = {**clip.model_cfg, "audio_cfg": model.audio_cfg}
    return frozen_copy(
        model,
        cfg,
        asdict(clip.transforms.config),
        clip.tokenizer,
        name=f"{clip.name} with an audio tower",
        device=clip.device,
        precision=clip.precision,
    )


def save_audio_tower(model: AudioCLIP, path: str | Path, clip: Clip, *, half: bool = False) -> Path:
    """Writes the tower and its scales, whole or not at all. Returns the path.

    clip: what it was added to, and trained against.   half: in 16 bits. Raises ValueError where the model's other
    towers are not that CLIP's any more, and where a weight is not a finite number.
    """
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    if any(not torch.equal(state[name], tensor.cpu()) for name, tensor in clip.model.state_dict().items()):
        raise ValueError(
            f"the other towers were trained, too, and are no longer those of {clip.name}: save the whole model, "
            "as open_clip_config.json and open_clip_model.safetensors in a folder"
        )
    tower = {name: tensor for name, tensor in state.items() if is_of_audio(name)}
    if half:
        tower = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in tower.items()}
    if broken := not_finite(tower):
        raise ValueError(f"'{broken}' holds values that are not finite numbers, so nothing is saved: train again")
    header = {
        "audio_cfg": json.dumps(model.audio_cfg),
        "clip_name": clip.name,
        "clip_fingerprint": clip.fingerprint,
    }
    return atomic_write(expanded(path), to_bytes(tower, header))


def load_audio_tower(path: str | Path, clip: Clip) -> Clip:
    """The same CLIP with the audio tower that `save_audio_tower` wrote: one that hears as well.

    Raises FileNotFoundError where there is no file, and ValueError where it is damaged, holds something else, or was
    trained against another CLIP.
    """
    path = expanded(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no audio tower at '{path}': check the path, or train one")
    try:
        tower, header = load(path)
    except (SafetensorError, ValueError, RecursionError) as error:
        raise ValueError(f"'{path}' is damaged or not a safetensors file ({error}): train and save it again") from error
    if not {"audio_cfg", "clip_name", "clip_fingerprint"} <= header.keys():
        raise ValueError(f"'{path}' holds no audio tower: save_audio_tower writes them")
    if header["clip_fingerprint"] != clip.fingerprint:
        raise ValueError(
            f"'{path}' was trained against another CLIP ({header['clip_name']}, weights "
            f"{header['clip_fingerprint'][:12]}) than this one ({clip.name}, weights {clip.fingerprint[:12]}), beside "
            "which it means nothing: load it on its own CLIP, or train another"
        )
    try:
        model = with_audio(clip, from_json(header["audio_cfg"]))
        model.load_state_dict(clip.model.state_dict() | tower)
    except (TypeError, RuntimeError, ValueError, AttributeError) as error:
        raise ValueError(f"'{path}' does not fit an audio tower of this version ({error}): train it again") from error
    if broken := not_finite(tower):
        raise ValueError(f"'{path}' is damaged: '{broken}' holds values that are not finite. Train it again")
    return as_clip(model, clip)
