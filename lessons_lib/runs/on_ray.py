"""Runs on a Ray cluster that is there already: actors that each load the CLIP once. This process alone writes the file.

An actor holds its share of a node (cores, a fraction of a GPU) while the sweep goes on. Nodes may come and go: on a new
one actors start, and what a lost one was at is run elsewhere.
"""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from lessons_lib.runs.driver import Outcome
from lessons_lib.runs.local import DONE, STARTS, UNUSABLE
from lessons_lib.runs.store import Waiting
from lessons_lib.runs.work import Setup, in_a_line

if TYPE_CHECKING:
    from lessons_lib.runs.spec import Bench

ANSWER = 5.0  # seconds in which a cluster's address must answer
AGAIN = 0.2  # seconds before an actor that could not be reached is asked again
LOOK = 5.0  # seconds between looks at which nodes there are
ROOM = 300.0  # seconds without any node that could take a run, after which it is given up
PASSED_ON = ("LESSONS_CACHE", "LESSONS_DATA")  # environment variables
HTTP2_SETTINGS = bytes([4])  # the kind of the frame that both sides begin with
HTTP2_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + HTTP2_SETTINGS + bytes(5)
HOW = """\
`ray status` says whether a cluster is there. To start one:
  ray start --head --disable-usage-stats         # on one machine, and on each further one, with what that prints:
  ray start --address=HOST:6379
docs/cluster.md has the same for Slurm"""


class OnRay:
    """An engine of as many actors as the cluster's nodes hold, `processes` and runs at most."""

    def __init__(
        self,
        spec: "Bench",
        runs: int,
        processes: int | None,
        make_worker: Callable,
        address: str = "auto",
        gpus_per_run: float | None = None,
        cpus_per_run: float = 1,
    ):
        self.ray, self.connected_here = connect(address)
        try:
            self._prepare(spec, min(runs, processes or runs), make_worker, gpus_per_run, cpus_per_run)
        except BaseException:
            self.close()
            raise

    def _prepare(
        self, spec: "Bench", limit: int, make_worker: Callable, gpus_per_run: float | None, cpus_per_run: float
    ) -> None:
        self.limit = limit
        self.actors: list[_Actor] = []
        self.died, self.looked, self.roomy = 0, 0.0, time.monotonic()
        if gpus_per_run is None:
            can_use = spec.device == "auto" or spec.device.startswith("cuda")
            gpus_per_run = 1.0 if can_use and any(node.get("GPU") for node in self._nodes().values()) else 0.0
        self.share = {"CPU": cpus_per_run, "GPU": gpus_per_run}
        if not self._places():
            have = "; ".join(_in_words(node) for node in self._nodes().values()) or "none"
            raise ValueError(
                f"no node of the cluster can take a run of {_in_words(self.share)} (nodes: {have}): ask for less, "
                "or start Ray with --num-cpus and --num-gpus"
            )
        root = None if spec.root is None else str(Path(spec.root).expanduser().absolute())
        passed_on = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        setup = replace(Setup.of(spec), threads=max(1, int(cpus_per_run)), root=root, environment=passed_on)
        self.setup = replace(setup, folder=os.getcwd())
        self.make_worker = make_worker
        remote = self.ray.remote(num_cpus=cpus_per_run, num_gpus=gpus_per_run, max_restarts=0)
        self.make_actor = remote(_Remote)

    def room(self) -> int:
        self._grow()
        return sum(actor.idle for actor in self.actors)

    def submit(self, job: Waiting) -> str:
        actor = next(actor for actor in self.actors if actor.idle)
        actor.job, actor.answer = job, actor.handle.run.remote(asdict(job.run), job.seed)
        return actor.host

    def wait(self, seconds: float) -> list[Outcome]:
        asked = {actor.answer: actor for actor in self.actors if actor.answer is not None}
        if not asked:
            time.sleep(seconds)
            return []
        answered, _ = self.ray.wait(list(asked), timeout=seconds)
        if answered:
            answered, _ = self.ray.wait(list(asked), num_returns=len(asked), timeout=0)
        outcomes = [self._heard(asked[answer]) for answer in answered]
        return [outcome for outcome in outcomes if outcome is not None]

    def _heard(self, actor: "_Actor") -> Outcome | None:
        try:
            what, content = self.ray.get(actor.answer)
        except self.ray.exceptions.ActorUnavailableError as error:
            return self._doubted(actor, error)
        except self.ray.exceptions.RayError as error:
            return self._buried(actor, error)
        if actor.doubt:  # it is back, but what it was at is not known
            self._end(actor)
            return Outcome(actor.job, actor.host, error=actor.doubt, lost=True) if actor.job else None
        actor.answer = None
        if what == UNUSABLE:
            raise RuntimeError(f"no run could be started: {content}")
        if actor.job is None:  # it is ready
            actor.host, actor.node = content
            self.died = 0
            return None
        job, actor.job = actor.job, None
        if what == DONE:
            return Outcome(job, actor.host, content)
        if "CUDA" in content:  # nothing works any more in a process after some of its errors
            self._end(actor)
        return Outcome(job, actor.host, error=content)

    def _doubted(self, actor: "_Actor", error: Exception) -> None:
        """It cannot be reached. Asked again, Ray knows in a while whether it died, and whether its node did."""
        actor.doubt = in_a_line(error)
        time.sleep(AGAIN)
        actor.answer = actor.handle.is_there.remote()

    def _buried(self, actor: "_Actor", error: Exception) -> Outcome | None:
        self._end(actor)
        said = in_a_line(error)
        if actor.job is None:  # it never was ready
            self.died += 1
            if self.died >= STARTS:
                raise RuntimeError(f"no run could be started: {self.died} actors in a row ended, the last by {said}")
            return None
        lost = actor.node not in self._nodes()
        return Outcome(actor.job, actor.host, error=f"{'its node was lost: ' if lost else ''}{said}", lost=lost)

    def _end(self, actor: "_Actor") -> None:
        self.actors.remove(actor)
        self.looked = 0.0  # there is room for another one
        self.ray.kill(actor.handle, no_restart=True)  # one that cannot be reached may still be at work

    def _grow(self) -> None:
        """Asks for as many actors as there are places; those that find no room yet wait, and hold nothing."""
        now = time.monotonic()
        if now - self.looked < LOOK:
            return
        self.looked = now
        places = self._places()
        if places:
            self.roomy = now
        elif now - self.roomy > ROOM:
            raise RuntimeError(f"for {ROOM:.0f} s no node of the cluster could take a run of {_in_words(self.share)}")
        for _ in range(min(places, self.limit) - len(self.actors)):
            handle = self.make_actor.remote(self.make_worker, self.setup)
            self.actors.append(_Actor(handle, answer=handle.prepare.remote()))

    def _nodes(self) -> dict[str, dict[str, float]]:
        """The resources of the nodes that are alive, by their ids."""
        return {node["NodeID"]: node["Resources"] for node in self.ray.nodes() if node["Alive"]}

    def _places(self) -> int:
        """How many runs all nodes together could take, if nobody else used them."""
        return sum(
            int(min((node.get(name, 0) + 1e-6) / share for name, share in self.share.items() if share))
            for node in self._nodes().values()
        )

    def close(self) -> None:
        try:
            for actor in list(self.actors):
                self._end(actor)
        finally:
            if self.connected_here:
                self.ray.shutdown()


@dataclass(eq=False)
class _Actor:
    """answer: what is being waited for, at first that it is ready.   job: the run that it is at.   doubt: whether it is
    still there, and why."""

    handle: object
    answer: object | None
    job: Waiting | None = None
    host: str = ""
    node: str = ""
    doubt: str = ""

    @property
    def idle(self) -> bool:
        return self.answer is None


class _Remote:
    """What an actor does."""

    def __init__(self, make_worker: Callable, setup: Setup):
        self.make_worker, self.setup = make_worker, setup

    def prepare(self) -> tuple[str, object]:
        import ray

        try:
            self.worker = self.make_worker(self.setup)
        except Exception as error:
            return UNUSABLE, in_a_line(error)
        return "ready", (socket.gethostname(), ray.get_runtime_context().get_node_id())

    def is_there(self) -> tuple[str, object]:
        return "ready", None

    def run(self, run: dict, seed: int) -> tuple[str, object]:
        try:
            return DONE, self.worker(run, seed)
        except Exception as error:
            return "failed", in_a_line(error)


def connect(address: str) -> tuple[ModuleType, bool]:
    """Ray, and whether it was connected here, rather than before.

    Raises ModuleNotFoundError without ray, ConnectionError, in seconds, where no cluster answers, and RuntimeError for
    one of another version of Ray or Python.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "engine 'ray' needs the package ray: pip install 'lessons_lib[cluster]', in the course's folder "
            "pip install -c constraints.txt -e '.[cluster]', or use engine 'local'"
        ) from error
    if ray.is_initialized():
        return ray, False
    _check_answers(_found(address))
    on_term = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except ConnectionError as error:
        raise ConnectionError(f"no Ray cluster answers at {address!r} ({in_a_line(error)}).\n{HOW}") from error
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, on_term)  # Ray has set its own
    return ray, True


def _found(address: str) -> str:
    """host:port of an address, also of "auto"."""
    if address != "auto":
        return address.removeprefix("ray://")
    from ray._private import services  # what Ray itself asks: where a cluster was started last, or runs now

    try:
        return services.get_ray_address_from_environment(address, None).removeprefix("ray://")
    except ConnectionError as error:
        raise ConnectionError(f"there is no Ray cluster at {address!r} ({in_a_line(error)}).\n{HOW}") from None


def _check_answers(address: str) -> None:
    """Ray itself tries for minutes. What answers must speak as a cluster's head does, in HTTP/2."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER) as line:
            if os.environ.get("RAY_USE_TLS", "0") == "0":
                line.sendall(HTTP2_GREETING)
                if line.recv(9)[3:4] != HTTP2_SETTINGS:
                    raise ConnectionError("something other than Ray answers there")
    except (OSError, ValueError) as error:
        raise ConnectionError(f"no Ray cluster answers at '{address}' ({in_a_line(error)}).\n{HOW}") from None


def _in_words(resources: dict[str, float]) -> str:
    return f"{resources.get('CPU', 0):g} CPU and {resources.get('GPU', 0):g} GPU"
