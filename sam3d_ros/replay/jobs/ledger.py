"""What lies in the output folder of a run: finished jobs, notes of failed ones, and nothing half done."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
from pathlib import Path
from typing import Any, TextIO

from .attempt import Attempt, Failure
from .job import FAILED_SUFFIX, Job, JobsError, Outcome
from .version import own_version

_NOTE = "job.json"
_UNFINISHED = ".unfinished"
_LOCK = ".lock"


class Ledger:
    """Use it in a `with` statement: one run at a time has the folder, and what an interrupted one left is cleared.

    `<name>/` holds the results of a finished job and its `job.json`, `<name>.failed.json` the reason of a failed one.
    Both appear whole: they are made in a hidden folder on the same disk and moved.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._unfinished = folder / _UNFINISHED
        self._lock: TextIO | None = None

    def __enter__(self) -> Ledger:
        if self.folder.exists() and not self.folder.is_dir():
            raise JobsError(f"{self.folder}: is a file; choose another output folder")
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(self.folder / _LOCK)
        shutil.rmtree(self._unfinished, ignore_errors=True)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._lock is not None, "the ledger has not been entered"
        shutil.rmtree(self._unfinished, ignore_errors=True)
        self._lock.close()

    def check(self, job: Job) -> None:
        """Raise JobsError where the folder of a job holds anything but results of a run."""
        place = self.folder / job.name
        if os.path.lexists(place) and (place.is_symlink() or not (place / _NOTE).is_file()):
            raise JobsError(f"{place}: holds no {_NOTE}, so it is no result of a run; choose another output folder")

    def finished(self, job: Job) -> Outcome | None:
        """The results of an earlier run with the same fingerprint."""
        note = _read(self.folder / job.name / _NOTE)
        if note.get("fingerprint") != job.fingerprint:
            return None
        self._failed_note(job).unlink(missing_ok=True)
        return Outcome(job, self.folder / job.name, "", "", reused=True, seconds=float(note["seconds"]))

    def failed(self, job: Job) -> Outcome | None:
        """The failure of an earlier run with the same fingerprint."""
        note = _read(self._failed_note(job))
        if note.get("fingerprint") != job.fingerprint:
            return None
        return Outcome(job, None, note["error"], note["trace"], reused=True, seconds=float(note["seconds"]))

    def stage(self, job: Job) -> Path:
        """A new, empty folder for the results of a job; what an earlier try left in it is gone."""
        place = self._unfinished / job.name
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        return place

    def settle(self, attempt: Attempt) -> Outcome:
        """Put the results, or the reason of the failure, in their place."""
        job, failure = attempt.job, attempt.failure
        staged = self._unfinished / job.name
        if failure is None and os.path.lexists(staged / _NOTE):
            text = f"the work wrote {_NOTE}, which is the runner's own file; it must use another name"
            failure = Failure(text, text)
        if failure is not None:
            shutil.rmtree(staged, ignore_errors=True)
            return self._settle_failure(job, failure, attempt.seconds)
        _write(staged / _NOTE, _entry(job, attempt.seconds))
        self._replace(staged, self.folder / job.name)
        self._failed_note(job).unlink(missing_ok=True)
        return Outcome(job, self.folder / job.name, "", "", reused=False, seconds=attempt.seconds)

    def _settle_failure(self, job: Job, failure: Failure, seconds: float) -> Outcome:
        self._unfinished.mkdir(exist_ok=True)
        partial = self._unfinished / f"{job.name}{FAILED_SUFFIX}"
        _write(partial, _entry(job, seconds) | {"error": failure.error, "trace": failure.trace})
        os.replace(partial, self._failed_note(job))
        return Outcome(job, None, failure.error, failure.trace, reused=False, seconds=seconds)

    def _replace(self, staged: Path, place: Path) -> None:
        # Earlier results are moved away as a whole: half of them would pass for somebody else's folder.
        earlier = self._unfinished / ".earlier"
        if place.exists():
            shutil.rmtree(earlier, ignore_errors=True)
            os.replace(place, earlier)
        os.replace(staged, place)
        shutil.rmtree(earlier, ignore_errors=True)

    def _failed_note(self, job: Job) -> Path:
        return self.folder / f"{job.name}{FAILED_SUFFIX}"


def _locked(path: Path) -> TextIO:
    lock = path.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            raise JobsError(
                f"{path.parent}: another run is at work there; wait for it or choose another folder"
            ) from error
        raise JobsError(f"{path.parent}: cannot be locked ({error}); choose a folder on another disk") from error
    return lock


def _entry(job: Job, seconds: float) -> dict[str, Any]:
    return {"name": job.name, "fingerprint": job.fingerprint, "seconds": round(seconds, 3), "version": own_version()}


def _read(path: Path) -> dict[str, Any]:
    """The note; empty where there is none or a power cut left it unreadable: the job is then run again."""
    try:
        note = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def _write(path: Path, data: dict[str, Any]) -> None:
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
