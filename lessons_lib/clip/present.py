"""Which weights are on this machine already: nothing is fetched, and no weights are opened."""

from pathlib import Path
from typing import NamedTuple

import huggingface_hub as hub
import open_clip
from open_clip.pretrained import get_pretrained_cfg

from lessons_lib.clip import downloads
from lessons_lib.clip.recipes import CONFIG_FILE, HUB, TOYCLIP, toyclip_dir


class Weights(NamedTuple):
    """What `load_clip(name, pretrained)` would load. pretrained: None where the name alone says it."""

    name: str
    pretrained: str | None
    path: Path


def weights_here() -> list[Weights]:
    """ToyCLIP's, and those of every architecture and tag of open_clip, and of the hub's open_clip repositories."""
    toyclip = toyclip_dir() / "toyclip.safetensors"
    found = [Weights(TOYCLIP, None, toyclip)] if toyclip.is_file() else []
    named: set[str] = set()
    for name, tag in open_clip.list_pretrained():
        cfg = get_pretrained_cfg(name, tag)
        if cfg.get("quick_gelu", False) and not name.endswith("-quickgelu"):
            continue  # load_clip refuses the pair; its twin with -quickgelu is listed
        repo, filenames = downloads.split_repo(cfg.get("hf_hub", ""))
        named.add(repo)
        path = downloads.placed_by_hand(name, tag) or downloads.openai_cached(cfg.get("url", ""))
        path = path or _cached(repo, filenames)
        if path:
            found.append(Weights(name, tag, path))
    for folder in sorted(downloads.hub_cache().glob("models--*--*")):
        repo = "/".join(folder.name.removeprefix("models--").split("--", 1))
        if repo not in named and _cached(repo, (CONFIG_FILE,)) and (path := _cached(repo, downloads.WEIGHTS_FILES)):
            found.append(Weights(f"{HUB}{repo}", None, path))
    return found


def _cached(repo: str, filenames: tuple[str, ...]) -> Path | None:
    """A repository's file in Hugging Face's cache."""
    for filename in filenames if "/" in repo else ():
        path = hub.try_to_load_from_cache(repo, filename, cache_dir=downloads.hub_cache())
        if isinstance(path, str):
            return Path(path)
    return None
