"""Runs on a Ray cluster that is there already: actors that each prepare once. This process alone writes the file.

An actor holds its share of a node (cores, a fraction of a GPU) while the sweep goes on. Nodes may come and go: on a new
one actors start, and what a lost one was at is run elsewhere.
"""

import os
import socket
import sys
import time
from dataclasses import dataclass

from lessons_lib.runs.engine import DONE, FAILED, READY, STARTS, UNUSABLE, Job, Outcome, in_a_line
from lessons_lib.runs.ray_address import connect
from lessons_lib.runs.work import Place, Work, Worker

AGAIN = 0.2  # seconds before an actor that could not be reached is asked again
LOOK = 5.0  # seconds between looks at which nodes there are
ROOM = 300.0  # seconds without any node that could take a run, after which it is given up
PASSED_ON = ("LESSONS_CACHE", "LESSONS_DATA")  # environment variables


class OnRay:
    """An engine of as many actors as the cluster's nodes hold, `processes` and runs at most."""

    def __init__(
        self,
        work: Work,
        runs: int,
        processes: int | None,
        address: str = "auto",
        gpus_per_run: float | None = None,
        cpus_per_run: float = 1,
    ):
        """address: of the cluster, "auto" for the one that this machine belongs to.   gpus_per_run: such as 0.25; None
        for one where the cluster has GPUs and the device may be one.   cpus_per_run: cores of a run."""
        self.ray, self.connected_here = connect(address)
        try:
            self._prepare(work, min(runs, processes or runs), gpus_per_run, cpus_per_run)
        except BaseException:
            self.close()
            raise

    def _prepare(self, work: Work, limit: int, gpus_per_run: float | None, cpus_per_run: float) -> None:
        from lessons_lib.device import kind_of_gpus

        self.limit = limit
        self.actors: list[_Actor] = []
        self.died, self.looked, self.roomy = 0, 0.0, time.monotonic()
        if gpus_per_run is None:
            can_use = work.device != "cpu"
            gpus_per_run = 1.0 if can_use and any(node.get("GPU") for node in self._nodes().values()) else 0.0
        self.share = {"CPU": cpus_per_run, "GPU": gpus_per_run}
        if not self._places():
            have = "; ".join(_in_words(node) for node in self._nodes().values()) or "none"
            raise ValueError(
                f"no node of the cluster can take a run of {_in_words(self.share)} (nodes: {have}): ask for less, "
                "or start Ray with --num-cpus and --num-gpus"
            )
        work.prepare({kind_of_gpus() if gpus_per_run else "cpu"})
        passed_on = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        self.place = Place(work.device, max(1, int(cpus_per_run)), os.getcwd(), passed_on)
        self.work = self.ray.cloudpickle.dumps(work)  # read there when the folders of modules are known
        remote = self.ray.remote(num_cpus=cpus_per_run, num_gpus=gpus_per_run, max_restarts=0)
        self.make_actor = remote(_Remote)

    def room(self) -> int:
        self._grow()
        return sum(actor.idle for actor in self.actors)

    def submit(self, job: Job) -> str:
        actor = next(actor for actor in self.actors if actor.idle)
        actor.job, actor.answer = job, actor.handle.run.remote(self.ray.cloudpickle.dumps(job.cell))
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
        said, may_pass = content
        if "CUDA" in said:  # nothing works any more in a process after some of its errors
            self._end(actor)
        return Outcome(job, actor.host, error=said, final=not may_pass)

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
            handle = self.make_actor.remote(self.work, self.place, [path for path in sys.path if path])
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
    job: Job | None = None
    host: str = ""
    node: str = ""
    doubt: str = ""

    @property
    def idle(self) -> bool:
        return self.answer is None


class _Remote:
    """What an actor does. work: pickled.   paths: where modules are found."""

    def __init__(self, work: bytes, place: Place, paths: list[str]):
        self.work, self.place, self.paths = work, place, paths

    def prepare(self) -> tuple[str, object]:
        import ray

        sys.path += [path for path in self.paths if path not in sys.path and os.path.isdir(path)]
        try:
            self.worker = Worker(ray.cloudpickle.loads(self.work), self.place)
        except Exception as error:
            return UNUSABLE, in_a_line(error)
        return READY, (socket.gethostname(), ray.get_runtime_context().get_node_id())

    def is_there(self) -> tuple[str, object]:
        return READY, None

    def run(self, cell: bytes) -> tuple[str, object]:
        import ray

        try:
            return DONE, self.worker(ray.cloudpickle.loads(cell))
        except Exception as error:
            return FAILED, (in_a_line(error), self.worker.work.may_pass(error))


def _in_words(resources: dict[str, float]) -> str:
    return f"{resources.get('CPU', 0):g} CPU and {resources.get('GPU', 0):g} GPU"
