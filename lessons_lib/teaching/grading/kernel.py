"""A student's process: a Jupyter kernel that is started, asked, stopped when it runs too long, and cleared away.

Cells run in it in a copy of the student's folder. It has a time for each cell and a limit to what a cell may print, and
when it dies it is started anew: the cells that went well are run again, those that killed it are not.
"""

import ast
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from queue import Empty
from typing import NamedTuple

import nbformat
import psutil
from jupyter_client.manager import KernelManager
from nbformat import NotebookNode

from lessons_lib.teaching.grading import locked

MOST_PRINTED = 2**20  # characters of a cell's outputs that are kept
PATIENCE = 10  # seconds that an interrupted cell has to stop in
START = 300  # seconds that a kernel has to start in
ASK = "__import__('lessons_lib.teaching.grading.answers', fromlist=['reply']).reply(globals(), {!r})"
SHOWN = {"stream", "display_data", "execute_result", "error"}


class Stopped(Exception):
    """A cell, or a question, that did not come to its end: the kernel died, or was stopped."""


class Ran(NamedTuple):
    """What became of a cell."""

    outputs: list[NotebookNode]
    problem: str  # "" where it came to its end


class Kernel:
    """One student's process, from `with` to the end of it.

    folder: what was handed in; a copy of it is the process's own folder.   hidden: the folder that it may not read.
    seconds: for each cell.   gib: of memory.   lock: whether to forbid it `hidden`, where the system can.
    """

    def __init__(self, folder: Path, hidden: Path, *, seconds: float, gib: float = 8, lock: bool = True) -> None:
        self.folder, self.hidden, self.seconds, self.gib = folder, hidden, seconds, gib
        self.locked = lock and locked.offered() > 0
        self._done: list[str] = []

    def __enter__(self) -> "Kernel":
        if Path(sys.prefix).resolve().is_relative_to(self.hidden.resolve()):
            raise ValueError(f"Python lies in the course's folder, '{self.hidden}': make the course in another folder")
        self.own = Path(tempfile.mkdtemp(prefix="lesson_"))
        shutil.copytree(self.folder, self.own / "work", symlinks=True, ignore=shutil.ignore_patterns("*.ipynb"))
        locked.adopt_orphans()
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        shutil.rmtree(self.own, ignore_errors=True)

    def run(self, source: str) -> Ran:
        """Runs a cell. One that kills the process, or does not stop when interrupted, costs the process; the cells
        before it are run again in a new one."""
        try:
            outputs, failed = self._execute(source, self.seconds)
        except Stopped as stopped:
            self.restart()
            return Ran([_error("Stopped", str(stopped))], str(stopped))
        if not failed or failed == "error":
            self._done.append(source)
        if failed == "late":
            problem = f"ran longer than {self.seconds:g} seconds and was stopped"
            return Ran([*outputs, _error("Stopped", problem)], problem)
        return Ran(outputs, "")

    def ask(self, question: str) -> str:
        """A question of `answers`, answered by `answers.reply` in the process. Raises ValueError where it is not."""
        code = ASK.format(question)
        try:
            reply, late = self._reply(code, max(self.seconds, START))  # the first one imports torch
        except Stopped as stopped:
            self.restart()
            raise ValueError(str(stopped)) from None
        if late:
            raise ValueError(f"it ran longer than {self.seconds:g} seconds and was stopped")
        try:
            return str(ast.literal_eval(reply["user_expressions"]["reply"]["data"]["text/plain"]))
        except (KeyError, TypeError, ValueError, SyntaxError, RecursionError, MemoryError):
            raise ValueError("the student's process did not reply to the question") from None

    def restart(self) -> None:
        """A new process, in which the cells that went well have been run again."""
        again, self._done = self._done, []
        self._stop()
        self._start()
        for source in again:
            try:
                self._execute(source, self.seconds)
                self._done.append(source)
            except Stopped:  # it went well before; what follows has to do without
                self._stop()
                self._start()

    def _start(self) -> None:
        number = len(list(self.own.glob("kernel*")))
        connection = {"connection_file": str(self.own / f"kernel{number}.json")}
        if os.name == "posix":  # sockets that are files: no other process meets them, and none needs the network
            connection |= {"transport": "ipc", "ip": str(self.own / f"socket{number}")}
        manager = KernelManager(kernel_name="python3", **connection)
        python = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        quiet = ["--HistoryManager.hist_file=:memory:", "--IPKernelApp.exec_PYTHONSTARTUP=False"]
        hidden = str(self.hidden) if self.locked else ""
        lock = [sys.executable, locked.__file__, hidden, str(self.own), str(self.gib)]
        manager.kernel_spec.argv = [*(lock if os.name == "posix" else []), *python, *quiet]
        environment = {**os.environ, "TMPDIR": str(self.own), "IPYTHONDIR": str(self.own), "CUDA_VISIBLE_DEVICES": ""}
        if not self.locked:
            environment["LESSONS_CACHE"] = str(self.own / "cache")  # the class's own is not to be written to
        self._before = set(psutil.Process().children(recursive=True))
        with open(self.own / "said.txt", "ab") as said:
            manager.start_kernel(cwd=str(self.own / "work"), env=environment, stdout=said, stderr=said)
        self.manager, self.client = manager, manager.blocking_client()
        self.client.start_channels()
        try:
            self.client.wait_for_ready(timeout=START)
        except RuntimeError as error:
            said = (self.own / "said.txt").read_text(errors="replace")[-500:]
            self._stop()
            raise RuntimeError(f"the student's process does not start: {error}\n{said}") from None

    def _stop(self) -> None:
        """Ends the process and all that it started."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        for process in set(psutil.Process().children(recursive=True)) - self._before:
            try:
                process.kill()
                process.wait(5)
            except (psutil.NoSuchProcess, psutil.TimeoutExpired):
                pass

    def _execute(self, source: str, seconds: float) -> tuple[list[NotebookNode], str]:
        """Outputs, and "" or "error" or "late"."""
        outputs, printed = [], 0

        def show(message: dict) -> None:
            nonlocal printed
            printed += len(str(message["content"]))
            if message["msg_type"] in SHOWN and printed <= MOST_PRINTED:
                outputs.append(nbformat.v4.output_from_msg(message))

        reply, late = self._reply(source, seconds, show, cell=True)
        if printed > MOST_PRINTED:
            outputs.append(_stream(f"… {printed:,} characters: the rest was left out\n"))
        return outputs, "late" if late else "error" if reply.get("status") != "ok" else ""

    def _reply(self, code: str, seconds: float, show=lambda message: None, cell: bool = False) -> tuple[dict, bool]:
        """What the kernel says of running a code, and whether it had to be interrupted. Raises Stopped."""
        ask = {} if cell else {"user_expressions": {"reply": code}}
        number = self.client.execute(code if cell else "", allow_stdin=False, stop_on_error=False, **ask)
        until, reply, idle, late = time.monotonic() + seconds, None, False, False
        while not (reply and idle):
            for channel in (self.client.iopub_channel, self.client.shell_channel):
                message = self._message(channel)
                if message is None or message["parent_header"].get("msg_id") != number:
                    continue
                if message["msg_type"] == "execute_reply":
                    reply = message["content"]
                elif message["msg_type"] == "status":
                    idle = idle or message["content"].get("execution_state") == "idle"
                else:
                    show(message)
            if not self.manager.is_alive():
                raise Stopped("ended its own process")
            if time.monotonic() > until:
                if late:
                    raise Stopped(f"ran longer than {seconds:g} seconds and did not stop")
                self.manager.interrupt_kernel()
                late, until = True, time.monotonic() + PATIENCE
        return reply, late

    @staticmethod
    def _message(channel) -> dict | None:
        try:
            return channel.get_msg(timeout=0.05)
        except Empty:
            return None
        except Exception as error:  # a message that is none: the process tampers with its own channel
            raise Stopped(f"sent what is no message ({type(error).__name__})") from None


def _error(name: str, problem: str) -> NotebookNode:
    said = f"The cell {problem}."
    return nbformat.v4.new_output("error", ename=name, evalue=said, traceback=[said])


def _stream(text: str) -> NotebookNode:
    return nbformat.v4.new_output("stream", name="stdout", text=text)
