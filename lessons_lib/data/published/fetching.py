"""Fetching a published data set: what its record names, into the folder where `load_task` looks for it.

torchvision's own downloaders neither resume nor use the folders that the literature uses.
"""

from collections.abc import Callable
from pathlib import Path

from lessons_lib.data.archives import extract
from lessons_lib.data.downloads import download
from lessons_lib.data.published import PUBLISHED
from lessons_lib.data.published.record import Source
from lessons_lib.data.published.splits import Counted, verify
from lessons_lib.files import expanded

SPACE = 4  # an archive of JPEGs hardly shrinks; one that unpacks to more than this many times its size is another one


def fetch(
    name: str,
    root: str | Path,
    *,
    keep_archives: bool = False,
    progress: bool = True,
    say: Callable[[str], object] = print,
) -> Counted:
    """Fetches what is missing of a data set into its folder under `root`, unpacks it and counts it.

    Says first what it is, its licence and where it goes. What is there and complete stays as it is; what is fetched by
    hand and put where it belongs is taken. Returns the count. Raises what `download` and `extract` raise.
    """
    spec = PUBLISHED[name]
    folder = expanded(root).absolute() / spec.folder
    folder.mkdir(parents=True, exist_ok=True)
    report = verify(name, root)
    if not report.problems:
        say(str(report))
        return report
    say(f"{spec.title}, into '{folder}'. Licence: {spec.licence}. {spec.page}")
    lists = [source for source in spec.sources if not source.is_archive]
    for source in lists:
        _fetch(source, folder, spec.page, progress=progress, say=say)
    if lists:
        report = verify(name, root)
    if report.problems:
        for source in spec.sources:
            if source.is_archive:
                by_hand = (folder / source.file).exists()
                _fetch(source, folder, spec.page, progress=progress, say=say)
                _unpack(source, folder, keep=keep_archives or by_hand, progress=progress, say=say)
        report = verify(name, root)
    say(str(report))
    if report.problems and spec.by_hand:
        say(spec.by_hand.format(folder=folder, page=spec.page))
    return report


def _fetch(source: Source, folder: Path, page: str, *, progress: bool, say) -> None:
    path = folder / source.file
    if path.exists() and not source.is_archive:
        return  # whatever its bytes: a list is checked by reading it
    by_hand = (
        f"By hand: fetch it in a browser, from {source.url} or through {page}; save it as '{path}'; run this again."
    )
    room = (source.size or 0) if source.is_archive else 0  # JPEGs take as much unpacked
    download(
        source.url,
        path,
        size=source.size,
        digest=source.digest,
        by_hand=by_hand,
        room=room,
        progress=progress,
        say=say,
    )


def _unpack(source: Source, folder: Path, *, keep: bool, progress: bool, say) -> None:
    """keep: the archive, which the learner asked for, or put there."""
    archive = folder / source.file
    limit = SPACE * archive.stat().st_size + 10**8
    extract(archive, folder, prefix=source.prefix, under=source.under, limit=limit, progress=progress)
    if source.inner:
        extract(folder / source.inner, folder, limit=limit, progress=progress)
        (folder / source.inner).unlink()
    if keep:
        return
    try:
        archive.unlink()
        say(f"Unpacked and removed '{archive}'")
    except OSError as error:  # on Windows, while another program has it open
        say(f"Unpacked; '{archive}' could not be removed ({error.strerror})")
