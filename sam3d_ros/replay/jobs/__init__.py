"""Jobs that fill a folder each, by workers here or on a Ray cluster; an interrupted run goes on where it was."""

from .in_process import InProcess
from .job import Job, JobsError, Outcome, Work
from .local_processes import LocalProcesses
from .ray_cluster import RayCluster
from .runner import run_jobs
from .version import own_version

__all__ = [
    "InProcess",
    "Job",
    "JobsError",
    "LocalProcesses",
    "Outcome",
    "RayCluster",
    "Work",
    "own_version",
    "run_jobs",
]
