"""``load_task``: one call for the toy tasks, the published data sets, and a learner's own photos or sounds."""

import os
from collections.abc import Sequence
from pathlib import Path

from lessons_lib.data.fewshot import check_shots
from lessons_lib.data.published import PUBLISHED
from lessons_lib.data.task import Task
from lessons_lib.files import expanded


def load_task(
    name_or_path: str | os.PathLike,
    *,
    shots: int | None = None,
    seed: int = 1,
    templates: str | Sequence[str] | None = None,
    root: str | os.PathLike | None = None,
    pool_seed: int = 0,
    size: int | None = None,
    skip_unreadable: bool = False,
    progress: bool = True,
) -> Task:
    """A toy task or a published data set by name, or a folder of photos, as a :class:`Task`.

    A published set ("eurosat", "imagenet", …: `lessons_lib.data.PUBLISHED`) lies under ``root`` as CoOp lays it out. It
    has the splits, class names and template of the prompt-learning papers. ImageNet's validation images are its test
    split; up to 50 training images a class are held out as val. ImageNet's shifts have a test split alone.

    A folder holds one folder a class, or ``train``, ``val`` (or ``valid``, ``validation``) and ``test`` with one folder
    a class in each. The class names are the folder names with underscores and hyphens as spaces, in natural order
    ("photo 2" before "photo 10"), or come from a ``classnames.json`` in the folder: {folder: name, …}, or a list in
    that order. Pictures in folders inside a class folder are of that class. What is no picture is left out, with a
    warning that counts it; hidden files and folders are ignored. HEIC is read where ``pillow-heif`` is installed.
    A folder with more WAV files than pictures is of sounds (`task.kind` is "hear"): of each file its loudest second.
    A folder ``images`` with a folder ``masks`` beside it is a task of masks, one with COCO's ``annotations.json`` is of
    boxes: see `data.mask_folders` and `data.coco`.
    Without a ``test`` folder 30 % of each class are held out for it, and without a ``val`` folder 20 %, at least 1
    image each, always the same ones for one ``pool_seed``.

    name_or_path: such as "toy_flowers", "eurosat", or "path/to/my_photos".
    shots: training images a class, drawn by ``seed`` (nested: those of fewer shots are among those of more);
        validation gets min(shots, 4) a class. None: all images. The test split is always whole.
    templates: prompts with one "{}" each, the first being the default, or an ensemble's name such as "imagenet80",
        in place of the task's own (for a folder: "a photo of a {}.").
    root: the folder that a relative path starts from, by default the current one; for a published set, the folder
        above its own, by default that of the environment variable LESSONS_DATA.
    pool_seed: draws a toy task's images anew, or splits a folder without ``test`` or ``val`` anew. Leave it alone
        to compare several ``seed`` on one and the same test split. Published splits are fixed.
    size: the edge of drawn pictures in pixels, such as 64 or 128, by default the toy task's own.
    skip_unreadable: leave damaged image files (and missing ones of a published set) out, with a warning that names
        them, instead of raising.
    progress: show a bar when checking the files takes long.

    Raises FileNotFoundError for a folder that is not there, or a published set that is not complete. Raises ValueError,
    saying what to do, for a published set's damaged list, ``shots`` where there are test images alone, a name that is
    unknown, a folder without images, with one class, with an empty class folder, with empty or repeated class names,
    with damaged files, with other classes in train than in test, and for classes with fewer images than ``shots``.
    """
    from lessons_lib.data.toys import check_size, toy_splits, toy_tasks
    from lessons_lib.templates import DEFAULT, check_templates

    check_shots(shots)
    check_size(size)
    given = None if templates is None else check_templates(templates)
    folder = expanded(root or ".") / expanded(name_or_path)
    is_path = _is_path(name_or_path, folder)
    if size is not None and (is_path or name_or_path in PUBLISHED):
        raise ValueError(f"size={size}: only toy tasks are drawn at a size; photos are as large as they are")
    if is_path:
        from lessons_lib.data.annotated import annotated_reader, annotated_splits
        from lessons_lib.data.folders import folder_splits

        how = {"seed": pool_seed, "skip_unreadable": skip_unreadable, "progress": progress}
        reader = annotated_reader(folder)
        splits = annotated_splits(folder, reader, **how) if reader else folder_splits(folder, **how)
        name = folder.resolve().name
        own_templates = ["{}"] if splits["test"].kind == "hear" else [DEFAULT]  # AudioCLIP's texts are bare labels
    elif name_or_path in PUBLISHED:
        from lessons_lib.data.published.splits import published_splits

        name, own_templates = str(name_or_path), [PUBLISHED[name_or_path].template]
        splits = published_splits(name, root=root, seed=pool_seed, skip_unreadable=skip_unreadable, progress=progress)
    else:
        name = str(name_or_path)
        splits, own_templates = toy_splits(name, seed=pool_seed, size=size), toy_tasks()[name].templates
    return Task.from_pools(name, templates=given or own_templates, shots=shots, seed=seed, **splits)


def _is_path(name_or_path: str | os.PathLike, folder: Path) -> bool:
    """A task's name comes first, then a folder; what is neither raises ValueError with the nearest names."""
    text = os.fspath(name_or_path)
    if not isinstance(name_or_path, str) or text[:1] in ("~", ".") or any(mark in text for mark in "/\\"):
        return True
    from lessons_lib.data.toys import toy_tasks

    known = [*toy_tasks(), *PUBLISHED]
    if text in known or (text and folder.exists()):
        return text not in known
    from lessons_lib.suggest import nearest

    called = [name for name, one in PUBLISHED.items() if _plain(one.title) == _plain(text)]
    hint = f"Did you mean {called[0]!r}?" if called else nearest(text, known)
    hint = hint or f"The tasks are {', '.join(known)}."
    raise ValueError(f"unknown task {text!r}. {hint} Nor is there a folder '{folder.absolute()}'")


def _plain(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())
