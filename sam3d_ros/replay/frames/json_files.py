"""Parts of JSON files that others wrote, with errors that name file, key and remedy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .image_files import FrameFolderError


def read_json(path: Path) -> Any:
    """What a JSON file says; raises FrameFolderError where there is none or it is broken."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise FrameFolderError(f"{path}: no such file") from error
    except (ValueError, OSError) as error:
        raise FrameFolderError(f"{path}: not valid JSON ({error})") from error


def numbers_of(where: str, data: Any, key: str, count: int) -> NDArray[np.float64]:
    """The `count` finite numbers, [count], under a key of a JSON object; `where` begins the error."""
    value = data.get(key) if isinstance(data, dict) else None
    items: list[Any] = value if isinstance(value, list) else [value]
    good = all(isinstance(item, int | float) and not isinstance(item, bool) for item in items)
    if len(items) != count or not good or not np.isfinite(items).all():
        expected = "a number" if count == 1 else f"a list of {count} numbers"
        raise FrameFolderError(f"{where}: {key} must be {expected}, got {value!r}")
    return np.array(items, np.float64)
