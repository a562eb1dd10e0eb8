"""From the names that `load_clip` takes to what a model is made of: configuration, transform, and a file of weights."""

import importlib.resources
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import open_clip
from open_clip.pretrained import get_pretrained_cfg

from lessons_lib.clip import downloads, transformers_layout
from lessons_lib.clip.building import check_packages, size_in_words
from lessons_lib.clip.checkpoints import read_json
from lessons_lib.files import expanded
from lessons_lib.suggest import nearest

TOYCLIP = "toyclip"
HUB, FOLDER = "hf-hub:", "local-dir:"  # open_clip's prefixes
QUICK = "-quickgelu"  # ends the name of an architecture whose twin has GELU
CONFIG_FILE = "open_clip_config.json"


@dataclass
class Recipe:
    """What a model is made of, before it is made."""

    name: str
    model_cfg: dict
    preprocess_cfg: dict
    weights: Path
    learners_own: bool = False  # the learner named the file: whether it fits, and its activation, must be checked


def find(name: str, pretrained: str | None) -> Recipe:
    """The recipe for `load_clip(name, pretrained)`; downloads the weights when they are asked for and not here."""
    if name == TOYCLIP:
        return _toyclip(pretrained)
    if name.startswith((HUB, FOLDER)):
        if pretrained is not None:
            raise ValueError(f"{name!r} names its own weights: leave out pretrained={pretrained!r}")
        return _folder(name) if name.startswith(FOLDER) else _hub(name)
    return _registered(name.replace("/", "-"), pretrained)


def with_activation(recipe: Recipe, quick_gelu: bool) -> Recipe:
    """The same weights under the activation that the learner says, and under the architecture's name that has it.

    Raises ValueError where the weights are published ones, which say theirs, and for what is no bool.
    """
    if not isinstance(quick_gelu, bool):
        raise ValueError(f"quick_gelu={quick_gelu!r}: give True, False, or None for what the name says")
    if not recipe.learners_own:
        raise ValueError(f"the published weights of {recipe.name!r} say their activation: leave out quick_gelu")
    twin = recipe.name.removesuffix(QUICK) + QUICK * quick_gelu
    name = twin if twin in open_clip.list_models() else recipe.name
    plain = {key: value for key, value in recipe.model_cfg.items() if key != "quick_gelu"}  # as twins are written
    return replace(recipe, name=name, model_cfg=plain | ({"quick_gelu": True} if quick_gelu else {}))


def toyclip_dir() -> Path:
    """Where the installed package keeps ToyCLIP."""
    return Path(str(importlib.resources.files("lessons_lib.clip").joinpath("toyclip")))


def _toyclip(pretrained: str | None) -> Recipe:
    config, weights = toyclip_dir() / "toyclip.json", toyclip_dir() / "toyclip.safetensors"
    for file in (config,) if pretrained is not None else (config, weights):
        if not file.is_file():
            raise FileNotFoundError(f"ToyCLIP is incomplete in this installation, install it again: no '{file}'")
    model_cfg = read_json(config)
    preprocess_cfg = model_cfg.pop("preprocess_cfg", {})
    path = weights if pretrained is None else expanded(pretrained)
    return Recipe(TOYCLIP, model_cfg, preprocess_cfg, path, learners_own=pretrained is not None)


def _registered(name: str, pretrained: str | None) -> Recipe:
    """One of open_clip's architectures, with a tag or a checkpoint's path."""
    model_cfg = open_clip.get_model_config(name)
    if model_cfg is None:
        hint = nearest(name, [TOYCLIP, *open_clip.list_models()])
        raise ValueError(
            f"unknown model {name!r}. {hint} open_clip.list_models() names them all; 'toyclip' is embedded"
        )
    tags = open_clip.list_pretrained_tags_by_model(name)
    if pretrained is None:
        raise ValueError(f"which weights of {name!r}? Give pretrained= the path of a checkpoint, or a tag: {tags}")
    check_packages(name, model_cfg)
    tag_cfg = get_pretrained_cfg(name, pretrained)
    if tag_cfg:
        _check_tags_activation(name, pretrained, tag_cfg, model_cfg)
        return Recipe(name, model_cfg, tag_cfg, _tags_weights(name, pretrained, tag_cfg, model_cfg))
    path = expanded(pretrained)
    if path.exists() or path.suffix or len(path.parts) > 1:
        return Recipe(name, model_cfg, _usual_preprocess(name), path, learners_own=True)
    plain = name.removesuffix("-quickgelu")
    if get_pretrained_cfg(plain, pretrained):
        fix = f"load_clip({plain!r}, pretrained={pretrained!r})"
        raise ValueError(
            f"the weights {pretrained!r} were trained with GELU, and {name!r} computes QuickGELU: use {fix}"
        )
    hint = nearest(pretrained, tags)
    raise ValueError(f"{name!r} has no tag {pretrained!r}, and there is no such file. {hint} Its tags: {tags}")


def _check_tags_activation(name: str, tag: str, tag_cfg: dict, model_cfg: dict) -> None:
    if tag_cfg.get("quick_gelu", False) and not model_cfg.get("quick_gelu", False):
        raise ValueError(
            f"the weights {tag!r} were trained with QuickGELU, and {name!r} computes GELU: they would load and be less "
            f"accurate without a word. Use load_clip({name + '-quickgelu'!r}, pretrained={tag!r})"
        )


def _tags_weights(name: str, tag: str, tag_cfg: dict, model_cfg: dict) -> Path:
    here = downloads.placed_by_hand(name, tag) or downloads.openai_cached(tag_cfg.get("url", ""))
    if here:
        return here
    repo, filenames = downloads.split_repo(tag_cfg["hf_hub"])
    return downloads.fetch(
        repo,
        filenames,
        wanted=f"load_clip({name!r}, pretrained={tag!r})",
        about=size_in_words(model_cfg),
        otherwise=(
            "Without a network, download that file elsewhere and put it at\n"
            f"  {downloads.by_hand_path(name, tag)}\n"
            f"or give its path, load_clip({name!r}, pretrained='path/to/{filenames[0]}'),\n"
            f"or copy 'models--{repo.replace('/', '--')}' from another machine's Hugging Face cache into this one's."
        ),
    )


def _usual_preprocess(name: str) -> dict:
    """The transform that all published weights of an architecture share; OpenAI's where they differ."""
    keys = ("mean", "std", "interpolation", "resize_mode")
    cfgs = [get_pretrained_cfg(name, tag) for tag in open_clip.list_pretrained_tags_by_model(name)]
    usual = [{key: cfg[key] for key in keys} for cfg in cfgs]
    return usual[0] if usual and all(one == usual[0] for one in usual) else {}


def _hub(name: str) -> Recipe:
    """A repository on Hugging Face's hub, in open_clip's layout or in transformers': a configuration and weights."""
    repo = name.removeprefix(HUB)
    if repo.count("/") != 1 or not all(repo.split("/")):
        raise ValueError(f"{name!r} must read 'hf-hub:organisation/repository'")
    otherwise = (
        f"Without a network, download {CONFIG_FILE} and {downloads.WEIGHTS_FILES[0]} elsewhere into a folder and use\n"
        f"  load_clip('{FOLDER}that/folder'),\n"
        f"or copy 'models--{repo.replace('/', '--')}' from another machine's Hugging Face cache into this one's."
    )

    def fetch(*files: str, about: str = "a few kB") -> Path:
        return downloads.fetch(repo, files, wanted=f"load_clip({name!r})", about=about, otherwise=otherwise)

    size = "a configuration of a few kB; its weights are usually 0.3 to 4 GB"
    config = fetch(CONFIG_FILE, transformers_layout.CONFIG_FILE, about=size)
    if config.name == CONFIG_FILE:
        return _ours(name, config, lambda about: fetch(*downloads.WEIGHTS_FILES, about=about))
    return _transformers(
        name,
        config,
        lambda: fetch(transformers_layout.PREPROCESSOR_FILE),
        lambda about: fetch(*transformers_layout.WEIGHTS_FILES, about=about),
    )


def _folder(name: str) -> Recipe:
    """The same layouts in a local folder."""
    folder = expanded(name.removeprefix(FOLDER))

    def first(*files: str) -> Path | None:
        return next((folder / file for file in files if (folder / file).is_file()), None)

    weights = first(*downloads.WEIGHTS_FILES)
    if (config := first(CONFIG_FILE)) and weights:
        return _ours(name, config, lambda about: weights)
    weights = first(*transformers_layout.WEIGHTS_FILES)
    if (config := first(transformers_layout.CONFIG_FILE)) and weights:
        pictures = first(transformers_layout.PREPROCESSOR_FILE)
        return _transformers(name, config, lambda: pictures, lambda about: weights)
    needed = f"{CONFIG_FILE} and {' or '.join(downloads.WEIGHTS_FILES)}"
    theirs = f"{transformers_layout.CONFIG_FILE} and {' or '.join(transformers_layout.WEIGHTS_FILES)}"
    raise FileNotFoundError(f"'{folder}' is not a model's folder: it must hold {needed}; or {theirs}")


def _ours(name: str, config: Path, weights: Callable[[str], Path]) -> Recipe:
    """open_clip's layout.   weights: brings the file, told how large it is in words."""
    content = read_json(config)
    model_cfg = _model_cfg(content, name)
    check_packages(name, model_cfg)
    return Recipe(name, model_cfg, content.get("preprocess_cfg", {}), weights(size_in_words(model_cfg)))


def _transformers(
    name: str, config: Path, pictures: Callable[[], Path | None], weights: Callable[[str], Path]
) -> Recipe:
    """transformers' layout.   pictures: brings the file that says how they are prepared; None: OpenAI's way."""
    model_cfg = transformers_layout.model_cfg(read_json(config), name)
    said = pictures()
    preprocess_cfg = {} if said is None else transformers_layout.preprocess_cfg(read_json(said), name)
    return Recipe(name, model_cfg, preprocess_cfg, weights(size_in_words(model_cfg)))


def _model_cfg(config: dict, name: str) -> dict:
    model_cfg = config.get("model_cfg")
    if not isinstance(model_cfg, dict) or not {"embed_dim", "vision_cfg", "text_cfg"} <= set(model_cfg):
        raise ValueError(f"{name!r} is not an open_clip model: its {CONFIG_FILE} has no model_cfg with both towers")
    if "trust_remote_code" in json.dumps(model_cfg):
        raise ValueError(f"{name!r} asks in its {CONFIG_FILE} for code from the network to be run, which is refused")
    return model_cfg
