"""Where real weights are kept and where they come from. Nothing here runs for ToyCLIP.

Looked for, in this order: a file put there by hand, OpenAI's own cache, Hugging Face's cache, the network.
"""

import os
import shutil
from pathlib import Path

import huggingface_hub as hub
from huggingface_hub.errors import EntryNotFoundError, GatedRepoError, RepositoryNotFoundError
from open_clip.constants import HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME

from lessons_lib.files import cache_dir, in_bytes

WEIGHTS_FILES = (HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME)  # open_clip_model.safetensors, open_clip_pytorch_model.bin


def by_hand_path(name: str, tag: str) -> Path:
    """Where a learner without a network puts the weights of an architecture and tag (or as .pt, .bin, .pth)."""
    return cache_dir() / "weights" / name / f"{tag}.safetensors"


def placed_by_hand(name: str, tag: str) -> Path | None:
    candidates = [
        by_hand_path(name, tag).with_name(f"{tag}{suffix}") for suffix in (".safetensors", ".pt", ".bin", ".pth")
    ]
    return next((path for path in candidates if path.is_file()), None)


def openai_cached(url: str) -> Path | None:
    """The archive that OpenAI's own package, or an older open_clip, left in its cache."""
    path = Path.home() / ".cache" / "clip" / os.path.basename(url)
    return path if url and path.is_file() else None


def hub_cache() -> Path:
    """Hugging Face's cache folder ($HF_HUB_CACHE, or `hub` under $HF_HOME)."""
    return Path(hub.constants.HF_HUB_CACHE)


def split_repo(hf_hub: str) -> tuple[str, tuple[str, ...]]:
    """open_clip's `hf_hub` entry -> repository and the weight files that it may hold, best first.

    "org/name/" means open_clip's usual names, "org/name/file.bin" that file, or its safetensors twin.
    """
    repo, _, filename = hf_hub.rpartition("/")
    if not filename:
        return repo, WEIGHTS_FILES
    stem, suffix = os.path.splitext(filename)
    return repo, (f"{stem}.safetensors", filename) if suffix in (".bin", ".pth") else (filename,)


def fetch(repo: str, filenames: tuple[str, ...], *, wanted: str, about: str, otherwise: str) -> Path:
    """The first of a repository's `filenames` that exists: from Hugging Face's cache, else downloaded into it.

    wanted: what the learner asked for.   about: its size as far as it is known, "about 600 MB".
    otherwise: what to do without a network.
    Says what it downloads, from where, how large, and where to. Raises ConnectionError without a network, ValueError
    for a repository that does not exist, OSError when the disk is too small.
    """
    for filename in filenames:
        cached = hub.try_to_load_from_cache(repo, filename, cache_dir=hub_cache())
        if isinstance(cached, str):
            return Path(cached)
    page = f"https://huggingface.co/{repo}"
    for filename in filenames:
        try:
            size = _remote_size(repo, filename)
        except GatedRepoError as error:
            raise PermissionError(
                f"{page} asks for an account: accept its terms there, then run 'hf auth login'"
            ) from error
        except RepositoryNotFoundError as error:
            raise ValueError(f"there is no public repository {page}: check the name {wanted}") from error
        except EntryNotFoundError:
            continue
        except Exception as error:  # of whichever HTTP library: a socket, a proxy, a server, offline mode
            reason = f"{type(error).__name__}: {str(error)[:120]}"
            raise ConnectionError(
                f"what {wanted} needs is not on this machine and cannot be fetched ({reason}).\n"
                f"It would download {filename} ({about}) from {page} into '{hub_cache()}'.\n{otherwise}"
            ) from error
        return _download(repo, filename, size, page, wanted)
    raise ValueError(f"{page} holds none of {', '.join(filenames)}: it is not a CLIP of open_clip or transformers")


def _remote_size(repo: str, filename: str) -> int | None:
    """Bytes of a file in a repository. Asks the network."""
    return hub.get_hf_file_metadata(hub.hf_hub_url(repo, filename)).size


def _download(repo: str, filename: str, size: int | None, page: str, wanted: str) -> Path:
    how_large = in_bytes(size) if size else "of unknown size"
    folder = hub_cache()
    folder.mkdir(parents=True, exist_ok=True)
    if size and shutil.disk_usage(folder).free < size:
        raise OSError(f"{filename} ({how_large}) does not fit on the disk of '{folder}': free space, or set HF_HOME")
    print(f"Downloading {filename} ({how_large}) from {page} into '{folder}'")
    try:
        return Path(hub.hf_hub_download(repo, filename, cache_dir=folder))
    except Exception as error:  # of whichever HTTP library; what arrived so far stays beside the cache entry
        reason = f"{type(error).__name__}: {str(error)[:160]}"
        raise ConnectionError(
            f"the download of {filename} for {wanted} broke off ({reason}): run this again"
        ) from error
