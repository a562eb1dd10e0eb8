"""What every test gets: a feature cache of its own, no network, sane thread counts, and the shared fixtures."""

from __future__ import annotations

import os
import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

# Before torch is imported: threads wait as `lessons_lib.threads` has it, and the processes of `pytest -n` share the
# cores instead of each taking all of them.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
_processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
if _processes > 1:
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // _processes)))

import pytest  # noqa: E402
import torch  # noqa: E402
from network import is_local  # noqa: E402
from pretend import NAME, registered, waits  # noqa: E402  torch has to know of the device before it differentiates

pytest_plugins = ["quick"]


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory):
    """Features made by tests go to a temporary folder: the user's cache is neither read nor written."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LESSONS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch):
    """Only this machine can be reached, as if the cable were pulled; pipes and local servers still work."""
    connect, getaddrinfo = socket.socket.connect, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address):
        if not is_local(address):
            raise OSError(f"tests have no network: tried to reach {address}")
        return connect(self, address)

    def guarded_getaddrinfo(host, *args, **kwargs):
        if not is_local((host,)):
            raise socket.gaierror(f"tests have no network: tried to look up {host}")
        return getaddrinfo(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)


def _folder(variable: str) -> Path:
    value = os.environ.get(variable)
    if not value:
        pytest.skip(f"{variable} is not set")
    path = Path(value)
    assert path.is_dir(), f"{variable} names {value}, which is not a folder"
    return path


@pytest.fixture(scope="session")
def photos() -> Path:
    """A folder of real photos, train/ val/ test/ above one folder a class; skips where LESSONS_PHOTOS is unset."""
    return _folder("LESSONS_PHOTOS")


@pytest.fixture(scope="session")
def splits() -> Path:
    """The literature's fixed splits as JSON; skips where LESSONS_SPLITS is unset."""
    return _folder("LESSONS_SPLITS")


@pytest.fixture(params=["cpu"] + ["cuda"] * torch.cuda.is_available())
def device(request: pytest.FixtureRequest) -> str:
    """Every device that this machine has, one after the other."""
    return request.param


@pytest.fixture
def pretend() -> Iterator[Counter]:
    """The pretend accelerator (`pretend.py`) can be used. Gives what has waited for it, counted from here on."""
    if not registered:
        pytest.skip("a real accelerator is here, or torch takes no backends in Python")
    torch.get_device_module(NAME).available = True
    waits.clear()
    yield waits
    torch.get_device_module(NAME).available = False


@pytest.fixture(scope="session")
def toyclip():
    """The embedded model on the CPU, in full precision, loaded once a process."""
    import lessons_lib as ll

    return ll.load_clip("toyclip", device="cpu", precision="fp32", verbose=False)


@pytest.fixture(scope="module")
def clip():
    """A random CLIP that is small enough for anything."""
    from tiny_clip import tiny_clip

    return tiny_clip()


@pytest.fixture(scope="module")
def task():
    """Five classes of noise that can be told apart."""
    from noise_task import noise_task

    return noise_task()
