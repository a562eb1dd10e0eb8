"""The state of a training run in a file that is whole or not there, so that a run that was stopped goes on."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from lessons_lib.features import transform_name
from lessons_lib.identity import digest
from lessons_lib.sealed import damaged, load_state, save_state

if TYPE_CHECKING:
    from lessons_lib.data import Split

MEND = "delete it to start again"


class Checkpoint:
    """Does nothing where the path is None.

    key: what tells this run from any other.   writes: whether this process is the one that writes.
    """

    def __init__(self, path: str | Path | None, key: str, *, writes: bool = True):
        self.path = None if path is None else Path(path)
        self.key, self.writes = key, writes

    def write(self, history: list[dict], state: dict, before: dict | None = None) -> None:
        """state: of method and optimizer, after the last epoch of the history.   before: one epoch earlier."""
        if self.path is None or not self.writes:
            return
        whole = {"key": self.key, **state, "history": history, "before": before}
        save_state(self.path, whole)

    def load(self, method: nn.Module, optimizer: torch.optim.Optimizer) -> tuple:
        """Puts the state back. Returns the history, and the state one epoch before its last where there is one; an
        empty history alone where there is no file.

        Raises ValueError for a folder, a damaged file, and one of another run.
        """
        if self.path is None or not self.path.exists():
            return ([],)
        if self.path.is_dir():
            raise ValueError(f"the checkpoint '{self.path}' is a folder: give the path of a file")
        state = load_state(self.path, MEND)
        if not {"key", "method", "optimizer", "history", "before"} <= state.keys():
            raise damaged(self.path, "it holds something else", MEND)
        if state["key"] != self.key:
            raise ValueError(
                f"the checkpoint '{self.path}' belongs to another run (other settings, images or CLIP): give this run "
                "another path, or delete the file to start again"
            )
        try:
            method.load_state_dict(state["method"])
            optimizer.load_state_dict(state["optimizer"])
        except (RuntimeError, ValueError, KeyError, TypeError) as error:
            raise damaged(self.path, type(error).__name__, MEND) from error
        return (state["history"],) if state["before"] is None else (state["history"], state["before"])


def key_of_run(method: nn.Module, split: "Split", recipe: dict, views: str | int, augment: Callable) -> str:
    """Everything that training a method depends on, as a digest."""
    clip = method.clip
    return digest(
        {
            "method": type(method).__name__,
            "format": method.FORMAT,
            "arguments": method.arguments(),
            "classnames": method.classnames,
            "template": method.task_template,
            "clip": [clip.fingerprint, clip.precision],
            "images": split.fingerprint,
            "targets": split.targets.fingerprint,
            "recipe": recipe,
            "views": views,
            "transform": repr(clip.transforms) if views == "plain" else transform_name(augment),
        }
    )
