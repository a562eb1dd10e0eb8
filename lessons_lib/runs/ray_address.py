"""Connecting to a Ray cluster that is there already, or saying in seconds that there is none, and what to type."""

import os
import signal
import socket
import threading
from types import ModuleType

from lessons_lib.runs.engine import in_a_line

ANSWER = 5.0  # seconds in which a cluster's address must answer
HTTP2_SETTINGS = bytes([4])  # the kind of the frame that both sides begin with
HTTP2_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + HTTP2_SETTINGS + bytes(5)
HOW = """\
`ray status` says whether a cluster is there. To start one:
  ray start --head --disable-usage-stats         # on one machine, and on each further one, with what that prints:
  ray start --address=HOST:6379
docs/cluster.md has the same for Slurm"""


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
