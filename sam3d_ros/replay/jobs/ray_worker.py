"""Inside a worker of a Ray cluster, on a machine that may share no disk with the run."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from ...waiting_threads import wait_briefly
from .attempt import Failure
from .packing import PackingError, pack
from .thread_limits import thread_limits
from .version import own_version
from .worker import run_task

Answer = tuple[Failure | None, float, bytes]  # and the seconds it took, and the packed results


class RayWorker:
    """A Ray actor: a process that stays for many jobs, so that a model is loaded once."""

    def __init__(self, *, threads: int, with_gpu: bool) -> None:
        # Nothing numeric is imported yet: the work brings that along.
        wait_briefly()
        os.environ.update(thread_limits(threads))
        if not with_gpu:
            os.environ["CUDA_VISIBLE_DEVICES"] = ""  # else each worker would use the first GPU

    def version(self) -> str:
        """Of the package on this machine."""
        return own_version()

    def run(self, task: bytes) -> Answer:
        """Run a pickled (work, payload) in a temporary folder, and pack what it left there."""
        with tempfile.TemporaryDirectory(prefix="sam3d_ros_job_") as folder:
            failure, seconds = run_task(task, Path(folder))
            if failure is not None:
                return failure, seconds, b""
            try:
                return None, seconds, pack(Path(folder))
            except (PackingError, OSError, MemoryError) as error:
                return Failure.of(error), seconds, b""
