"""What lies at a path, asked so that a missing permission is an answer too."""

from __future__ import annotations

import stat
from enum import Enum
from pathlib import Path

from .errors import WeightsError


class Found(Enum):
    """What lies at a path; the value completes the sentence that the path begins."""

    FILE = "is a file"
    FOLDER = "is a folder"
    NOTHING = "does not exist"


def found_at(path: Path) -> Found:
    """WeightsError when it may not be looked at."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return Found.NOTHING
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror})") from error
    return Found.FOLDER if stat.S_ISDIR(mode) else Found.FILE


def require_folder(path: Path, wanted: str) -> None:
    """WeightsError that says what to give instead when there is no folder."""
    found = found_at(path)
    if found is not Found.FOLDER:
        raise WeightsError(f"{path} {found.value}; give {wanted}")
