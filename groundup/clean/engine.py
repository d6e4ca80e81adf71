"""Who does the tasks of a pass: this process, several processes, or a Ray cluster. The bytes are the same.

local: one process a core when there is more than one shard and enough to do, else this process. ray: tasks on a running
cluster (``ray start``, or the address in RAY_ADDRESS), else on one started here; its machines must share the run's folder.
A stop kills the workers: files are written atomically, and a shard counts when its last file is there.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from groundup.clean import filters
from groundup.clean.base import MODULES
from groundup.clean.shard import Task, clean_shard
from groundup.core.console import Console
from groundup.core.errors import DataError, GroundupError, Interrupted, MissingExtra

# Starting a process takes about a second (imports); below this much packed text it costs more than it saves
WORTH_BYTES = 8_000_000
STOP_SECONDS = 0.3  # how often a stop is asked for while workers work
STOPPED = "Stopped while cleaning; run the same command again to go on."


def carry_out(
    tasks: list[Task], *, engine: str, workers: int, console: Console, stop: Callable[[], bool], label: str
) -> None:
    """Do all tasks that are not done. workers: processes at most, 0 for one a core (ray: its own choice)."""
    waiting = [task for task in tasks if not task.is_done]
    if not waiting:
        return
    count = min(workers or available_cores(), len(waiting))
    if engine == "ray":
        done = _by_ray(waiting, stop)
    elif count > 1 and _is_ours(waiting[0]) and (workers or sum(task.bytes for task in waiting) > WORTH_BYTES):
        done = _by_processes(waiting, count, stop)
    else:
        done = _here(waiting, stop)
    total = sum(task.bytes for task in tasks) or 1
    finished = total - sum(task.bytes for task in waiting)
    start, before = time.monotonic(), finished
    for task in done:
        finished += task.bytes
        seconds = time.monotonic() - start
        # What an earlier run did took no time of this one: the time left is judged by this run's speed
        shown = seconds * finished / max(1, finished - before)
        console.bar(label, finished, total, shown, f"{task.name}")


def available_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _here(tasks: list[Task], stop: Callable[[], bool]) -> Iterator[Task]:
    for task in tasks:
        clean_shard(task, stop)
        yield task


def _is_ours(task: Task) -> bool:
    """Whether a fresh process knows all steps and filters: one registered in a running script lives only there."""
    named = task.options.get("quality", {}).get("filters", ())
    return all(step in MODULES for step in task.steps) and all(name in filters.MODULES for name in named)


def work(values: dict[str, Any]) -> dict[str, str]:
    """What a worker does: plain values in, files out; an error for people comes back as its words."""
    try:
        clean_shard(Task(**values))
    except GroundupError as error:
        return {"error": error.message, "repair": error.repair}
    return {}


def _check(answer: dict[str, str]) -> None:
    if "error" in answer:
        raise DataError(answer["error"], repair=answer.get("repair", ""))


class _Worker(threading.Thread):
    """One process of ``python -m groundup.clean.worker`` and the thread that feeds it.

    Not multiprocessing: that would run the user's own script again in every worker.
    """

    def __init__(self, waiting: queue.SimpleQueue[Task], done: queue.SimpleQueue[tuple[Task, dict[str, str]]]) -> None:
        super().__init__(daemon=True)
        self.waiting, self.done = waiting, done
        # One thread each: the cores are shared out by processes. A session of its own: Ctrl-C is the parent's affair
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "groundup.clean.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
            start_new_session=True,
        )

    def run(self) -> None:
        """Hand over one task after the other; the end of the input ends the process."""
        assert self.process.stdin is not None and self.process.stdout is not None
        while True:
            try:
                task = self.waiting.get_nowait()
            except queue.Empty:
                self.process.stdin.close()
                return
            try:
                self.process.stdin.write(json.dumps(task.as_json()) + "\n")
                self.process.stdin.flush()
                answer = json.loads(self.process.stdout.readline() or "null")
            except (OSError, ValueError):
                answer = None
            if answer is None:
                died = f"A worker died on shard {task.name}, perhaps for want of memory."
                self.done.put((task, {"error": died, "repair": "Try fewer: --set clean.workers=1"}))
                return
            self.done.put((task, answer))

    def end(self) -> None:
        """Kill the process, if it still runs, and let go of its pipes."""
        self.process.kill()
        self.process.wait()
        if self.ident is not None:
            self.join()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # what was not written has no reader any more
                    pipe.close()


def _by_processes(tasks: list[Task], count: int, stop: Callable[[], bool]) -> Iterator[Task]:
    waiting: queue.SimpleQueue[Task] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[Task, dict[str, str]]] = queue.SimpleQueue()
    for task in sorted(tasks, key=lambda task: -task.bytes):  # the largest first: none is left to the end alone
        waiting.put(task)
    workers = [_Worker(waiting, done) for _ in range(count)]
    try:
        for worker in workers:
            worker.start()
        left = len(tasks)
        while left:
            try:
                task, answer = done.get(timeout=STOP_SECONDS)
            except queue.Empty:
                if stop():
                    raise Interrupted(STOPPED) from None
                continue
            _check(answer)
            left -= 1
            yield task
            if left and stop():
                raise Interrupted(STOPPED)
        for worker in workers:
            worker.join()
    finally:
        for worker in workers:
            worker.end()


def _by_ray(tasks: list[Task], stop: Callable[[], bool]) -> Iterator[Task]:
    try:
        import ray
    except ImportError:
        raise MissingExtra("ray", "ray", 'clean.engine = "ray"') from None
    started_here = not ray.is_initialized()
    if started_here:
        ray.init(log_to_driver=False, include_dashboard=False)
    remote = ray.remote(num_cpus=1)(work)
    waiting = {remote.remote(task.as_json()): task for task in sorted(tasks, key=lambda task: -task.bytes)}
    try:
        while waiting:
            finished, _ = ray.wait(list(waiting), timeout=STOP_SECONDS)
            for reference in finished:
                _check(ray.get(reference))
                yield waiting.pop(reference)
            if waiting and stop():
                raise Interrupted(STOPPED)
    except BaseException:
        for reference in waiting:
            ray.cancel(reference, force=True)
        raise
    finally:
        if started_here:
            ray.shutdown()
