"""The same plan on a Ray cluster of two nodes on this machine, of which one is killed in the middle."""

import importlib.util
import os
import shutil
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

import bench_workers
import network
import psutil
import pytest
from bench_workers import Unwilling, alive, orders, ran, until

from lessons_lib.runs import Plan, Store, run

with_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="ray is not installed: pip install -e '.[cluster]'"
)
ATTEMPTS = 3  # to start a node: Ray gives it 15 seconds, which a busy machine may not have


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "notes").mkdir()
    return tmp_path / "notes"


@pytest.fixture(scope="module")
def ray_folder():
    """Short, since it holds sockets; nothing of Ray's is anywhere else."""
    folder = Path(tempfile.mkdtemp(prefix="ray"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_TMPDIR", str(folder))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_enable_worker_prestart", "0")
        patch.setenv("RAY_prestart_worker_first_driver", "0")
        patch.setenv("RAY_worker_register_timeout_seconds", "240")
        patch.setenv("RAY_raylet_start_wait_time_s", "120")
        patch.setenv("RAY_health_check_period_ms", "500")  # how soon a node that was killed is missed
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
        patch.delenv("RAY_ADDRESS", raising=False)
        yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def cluster(ray_folder):
    """A head with room for one run."""
    import ray
    from ray.cluster_utils import Cluster

    ray.cloudpickle.register_pickle_by_value(bench_workers)
    cluster, patch = Cluster(), pytest.MonkeyPatch()
    try:
        add_node(cluster)
        patch.setattr(network, "LOCAL_HOSTS", {*network.LOCAL_HOSTS, cluster.address.rpartition(":")[0]})
        yield cluster
    finally:
        patch.undo()
        ray.shutdown()
        cluster.shutdown()
        ray.cloudpickle.unregister_pickle_by_value(bench_workers)
        left = [process for process in psutil.process_iter(["cmdline"]) if str(ray_folder) in str(process.info)]
        _, alive = psutil.wait_procs(left, timeout=20)
        for process in alive:
            process.kill()


def add_node(cluster):
    settings = {"num_cpus": 1, "include_dashboard": False, "include_log_monitor": False, "no_monitor": True}
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return cluster.add_node(**settings)
        except Exception:
            if attempt == ATTEMPTS:
                if os.getloadavg()[0] > 4 * os.cpu_count():
                    pytest.skip(f"Ray could not start a node {ATTEMPTS} times on this machine, which is overloaded")
                raise


def sweep(cluster, tmp_path: Path, plan: Plan, **more):
    more = {"progress": False, "address": cluster.address, **more}
    with Store(tmp_path / "bench.sqlite") as store:
        return run(plan, store, "ray", **more), store.rows(), store.status()


@with_ray
def test_runs_that_crash_are_tried_again_and_reported(cluster, tmp_path, folder):
    plan = orders(["a", "raises once", "killed once", "raises"], str(folder))
    summary, rows, status = sweep(cluster, tmp_path, plan)
    assert summary == (0, 3, 1) and rows.label.tolist() == ["a", "raises once", "killed once"]
    assert status.attempts.tolist() == [1, 2, 2, 2] and set(status.host) == {socket.gethostname()}
    assert status.error.tolist() == [None, None, None, "ValueError: it was too much"]


@with_ray
def test_what_no_node_can_take_or_do_is_an_error(cluster, tmp_path, folder):
    plan = orders(["a"], str(folder))
    with pytest.raises(ValueError, match="no node of the cluster can take a run of 1 CPU and 0.25 GPU .nodes: 1 CPU"):
        sweep(cluster, tmp_path, plan, gpus_per_run=0.25)
    with pytest.raises(RuntimeError, match="no run could be started: ValueError: unknown model 'none'"):
        sweep(cluster, tmp_path, orders(["a"], str(folder), kind=Unwilling))
    with Store(tmp_path / "bench.sqlite") as store:
        assert store.writer() is None and store.status().state.tolist() == ["waiting"]


@with_ray
def test_a_node_that_is_killed_in_the_middle_loses_no_run(cluster, tmp_path, folder):
    plan = orders(["holds", "a", "b"], str(folder), seeds=(1, 2, 3, 4))
    node = add_node(cluster)
    trouble = []

    def kill_a_node_when_both_are_at_work():
        try:
            until(lambda: len(list(folder.glob("holds *"))) == 2)
            workers = {int(path.name.split()[3]) for path in folder.glob("holds *")}
            cluster.remove_node(node, allow_graceful=False)
            until(lambda: sum(alive(pid) for pid in workers) == 1)
        except BaseException as error:
            trouble.append(error)
        (folder / "go on").touch()

    killer = threading.Thread(target=kill_a_node_when_both_are_at_work)
    killer.start()
    try:
        summary, rows, status = sweep(cluster, tmp_path, plan, retries=0)
    finally:
        (folder / "go on").touch()
        killer.join()
    assert not trouble
    assert summary == (0, 12, 0)
    assert sorted(zip(rows.label, rows.seed)) == sorted((cell.label, cell.seed) for cell in plan.cells)
    assert set(status.state) == {"done"} and sorted(status.attempts) == [1] * 11 + [2], "one was lost with its node"
    assert len(ran(folder)) == 13


# --- without a cluster


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


def refused(tmp_path, address: str) -> tuple[str, float]:
    start = time.monotonic()
    with Store(tmp_path / "bench.sqlite") as store:
        with pytest.raises(ConnectionError) as caught:
            run(orders(["a"], ""), store, "ray", address=address, progress=False)
        assert store.writer() is None
    return str(caught.value), time.monotonic() - start


@with_ray
def test_an_address_that_does_not_answer_is_an_error_that_says_what_to_type(tmp_path):
    import ray  # noqa: F401  (what it takes to import is not counted)

    address = closed_port()
    said, seconds = refused(tmp_path, address)
    assert address in said and "ray start --head" in said and seconds < 20


@with_ray
def test_an_address_where_something_else_answers_is_an_error(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=lambda: server.accept()[0].sendall(b"SSH-2.0-OpenSSH_9.2\r\n"))
        thread.start()
        said, _ = refused(tmp_path, f"127.0.0.1:{server.getsockname()[1]}")
        thread.join()
    assert "something other than Ray answers there" in said


@with_ray
@pytest.mark.parametrize("how", ["variable", "file"])
def test_auto_with_a_cluster_that_is_gone_is_an_error(tmp_path, monkeypatch, how):
    import ray

    address = closed_port()
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(ray._private.services, "find_gcs_addresses", lambda: [])  # whatever else runs on this machine
    if how == "variable":
        monkeypatch.setenv("RAY_ADDRESS", address)
    else:
        (tmp_path / "ray").mkdir()
        (tmp_path / "ray" / "ray_current_cluster").write_text(address)
    assert address in refused(tmp_path, "auto")[0]


@with_ray
def test_auto_where_there_never_was_a_cluster_is_an_error(tmp_path, monkeypatch):
    import ray

    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(ray._private.services, "find_gcs_addresses", lambda: [])
    said, _ = refused(tmp_path, "auto")
    assert "there is no Ray cluster at 'auto'" in said and "ray start --head" in said


def test_without_ray_the_engine_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with Store(tmp_path / "bench.sqlite") as store:
        with pytest.raises(ModuleNotFoundError, match=r"pip install .*cluster"):
            run(orders(["a"], ""), store, "ray", progress=False)
        assert store.writer() is None and "RAY_USAGE_STATS_ENABLED" in os.environ
