"""Files from the network, whole or not at all: with their size said before, resumed where they broke off, and checked.

What arrives goes to NAME.part; the name itself appears only when size and checksum are right.
"""

import errno
import hashlib
import http.client
import json
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tqdm.auto import tqdm

from lessons_lib.files import atomic_write, from_json, in_bytes, only_one, why_not_written

CHUNK = 1 << 20  # bytes
TIMEOUT = 60  # seconds without a byte
AGENT = "lessons_lib (python urllib)"
BROKEN = (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError)


def download(
    url: str,
    path: str | os.PathLike,
    *,
    size: int | None = None,
    digest: str = "",
    by_hand: str = "",
    room: int = 0,
    progress: bool = True,
    say: Callable[[str], object] = print,
) -> Path:
    """A file, downloaded to `path`; what is there already is checked and not downloaded.

    size: published bytes.   digest: published checksum, "sha256:…", "md5:…", or "git:…" (the file's object id in git).
    by_hand: what to do without a network, said in the error.   room: further bytes that must be free on the disk.
    Raises ConnectionError without a network, or where it broke off (run again, it goes on); ValueError for a file that
    is not the published one (removed if it was downloaded, left alone if it was there); OSError for a disk too small.
    """
    path = Path(path)
    if not url.startswith(("https://", "http://")):
        raise ValueError(f"{url!r} is not a web address")
    if path.exists():
        if problem := difference(path, size=size, digest=digest):
            raise ValueError(f"'{path}' is not the published file: {problem}. Remove it and run this again")
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with only_one(path.with_name(f"{path.name}.lock"), f"'{path}' is being fetched by another program", say):
            if path.exists():  # by the other one, meanwhile
                return download(url, path, size=size, digest=digest)
            return _fetch(url, path, size, digest, by_hand, room, progress, say)
    except PermissionError as error:
        raise why_not_written(error, path) from error


def _fetch(url: str, path: Path, size: int | None, digest: str, by_hand: str, room: int, progress: bool, say) -> Path:
    part = path.with_name(f"{path.name}.part")
    before = -1
    while True:
        try:
            _receive(url, part, size=size, checked=bool(digest), room=room, progress=progress, say=say)
            break
        except BROKEN as error:
            have = part.stat().st_size if part.exists() else 0
            if have > max(before, 0) and not isinstance(error, urllib.error.HTTPError):  # it got on: try again at once
                before = have
                continue
            kept = (
                f" {in_bytes(have)} are kept in '{part.name}': run this again, it goes on from there." if have else ""
            )
            raise ConnectionError(
                f"{path.name} cannot be fetched from {url} ({_reason(error)}).{kept}\n{by_hand}".strip()
            ) from error
    if problem := difference(part, size=size, digest=digest):
        _forget(part)
        raise ValueError(
            f"what {url} sent is not the published {path.name}: {problem}. It was removed, and nothing was unpacked. "
            f"Run this again; if it stays so, the file was altered or replaced.\n{by_hand}".strip()
        )
    os.replace(part, path)
    _forget(part)
    return path


def difference(path: Path, *, size: int | None = None, digest: str = "") -> str:
    """What tells a file from the published one; "" when nothing does. Reads it whole when there is a digest."""
    have = path.stat().st_size
    if size is not None and have != size:
        return f"it has {have:,} bytes instead of {size:,}"
    if not digest:
        return ""
    kind, _, wanted = digest.partition(":")
    state = hashlib.new("sha1" if kind == "git" else kind, usedforsecurity=False)
    if kind == "git":
        state.update(b"blob %d\0" % have)
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            state.update(chunk)
    return "" if state.hexdigest() == wanted else f"its checksum ({kind}) is not {wanted}"


def disk_full(folder: Path, what: str) -> OSError:
    return OSError(errno.ENOSPC, f"the disk of '{folder}' is full: {what}. Free space there and run this again")


def _receive(url: str, part: Path, *, size: int | None, checked: bool, room: int, progress: bool, say) -> None:
    """The rest of a file, or all of it, at the end of `part`."""
    note = part.with_name(f"{part.name}.json")  # which version of which file the part belongs to
    have = part.stat().st_size if part.exists() else 0
    known = _note(note)
    headers = {"User-Agent": AGENT, "Accept-Encoding": "identity"}
    if have and known.get("url") == url and (checked or known.get("version")):
        headers["Range"] = f"bytes={have}-"
        if known.get("version"):
            headers["If-Range"] = known["version"]  # the server sends all of it anew if it has another version
    try:
        response = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code != 416:
            raise
        if error.headers.get("Content-Range", "").rpartition("/")[2] == str(have):
            return  # nothing was left to send
        _forget(part)
        return _receive(url, part, size=size, checked=checked, room=room, progress=progress, say=say)
    with response:
        have = _starts_at(response, have)
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else None
        if "text/html" in response.headers.get("Content-Type", ""):
            raise http.client.HTTPException("it answers with a web page, not with the file")
        if size and total and total != size:
            raise ValueError(f"{url} offers {total:,} bytes, and {size:,} were published: it was replaced or cut short")
        need = (total or size or 0) - have + room
        if shutil.disk_usage(part.parent).free < need:
            raise disk_full(part.parent, f"{part.stem} needs {in_bytes(need)}, and nothing was downloaded yet")
        about = in_bytes(total) if total else "of unknown size"
        on = f", going on at {in_bytes(have)}" if have else ""
        say(f"Downloading {part.stem} ({about}{on}) from {url} into '{part.parent}'")
        version = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
        known = json.dumps({"url": url, "version": "" if version.startswith("W/") else version})
        atomic_write(note, known.encode())
        with (
            open(part, "ab" if have else "wb") as file,
            tqdm(total=total, initial=have, unit="B", unit_scale=True, desc=part.stem, disable=not progress) as bar,
        ):
            while chunk := response.read(CHUNK):
                _write(file, chunk)
                bar.update(len(chunk))
            file.flush()
            os.fsync(file.fileno())
    if total and part.stat().st_size < total:
        raise ConnectionError(f"broke off at {in_bytes(part.stat().st_size)} of {in_bytes(total)}")


def _write(file, chunk: bytes) -> None:
    try:
        file.write(chunk)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            part = Path(file.name)
            raise disk_full(part.parent, f"what arrived of {part.stem} is kept, and it goes on from there") from error
        raise


def _starts_at(response, have: int) -> int:
    """Where in the file the answer begins. Raises HTTPException for a part that was not asked for."""
    if response.status != 206:
        return 0
    start = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    if start != str(have):
        raise http.client.HTTPException(f"it sent bytes from {start or 'nowhere'}, asked for those from {have}")
    return have


def _note(note: Path) -> dict:
    try:
        known = from_json(note.read_bytes())
        return known if isinstance(known, dict) else {}
    except (OSError, ValueError):  # none, or damaged: start over
        return {}


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    part.with_name(f"{part.name}.json").unlink(missing_ok=True)


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    return f"{type(error).__name__}: {str(reason)[:160]}"
