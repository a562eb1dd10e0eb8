"""What a process of a sweep does, on this machine or on another: it loads the CLIP once, and carries out runs."""

import os
import traceback
from dataclasses import dataclass, field
from functools import cache, partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lessons_lib.data import Task
    from lessons_lib.runs.spec import Bench

MEASURED = ("on", "accuracy", "n_parameters", "seconds", "peak_mib")


@dataclass(frozen=True)
class Setup:
    """What all runs of a sweep share.

    threads: of this process.   folder: to work in, where relative paths start.   environment: variables to set.
    """

    model: str
    pretrained: str | None
    device: str
    precision: str
    root: str | None
    threads: int = 1
    folder: str | None = None
    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, spec: "Bench", **more) -> "Setup":
        return cls(spec.model, spec.pretrained, spec.device, spec.precision, spec.root, **more)


class Worker:
    """Called with a run's fields and a seed, it gives the run's rows: on, accuracy, n_parameters, seconds, peak_mib."""

    def __init__(self, setup: Setup):
        import torch
        from threadpoolctl import threadpool_limits

        from lessons_lib.clip import load_clip

        os.environ.update(setup.environment)
        if setup.folder is not None and os.path.isdir(setup.folder):
            os.chdir(setup.folder)
        torch.set_num_threads(setup.threads)
        threadpool_limits(setup.threads)
        self.clip = load_clip(
            setup.model, setup.pretrained, device=setup.device, precision=setup.precision, verbose=False
        )
        self.load = partial(_task, setup.root)

    def __call__(self, run: dict, seed: int) -> list[dict]:
        from lessons_lib.runs.sweeps import Run, carry_out

        rows = carry_out(Run(**run), seed, self.clip, None, load=self.load)
        return rows[list(MEASURED)].to_dict("records")


@cache
def _task(root: str | None, name: str) -> "Task":
    """Read once a process."""
    from lessons_lib.data import load_task

    return load_task(name, root=root, progress=False)


def in_a_line(error: BaseException) -> str:
    """The last line of an exception's report, such as "ValueError: too few images"; a long one is cut."""
    text = " ".join("".join(traceback.format_exception_only(type(error), error)).split())
    return text if len(text) <= 500 else f"{text[:499]}…"
