"""Which package this is, exactly enough that two machines agree on results."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from ... import __version__

_PACKAGE = Path(__file__).resolve().parents[2]
_GENERATED = ("msg", "srv", "action")  # there only where ROS is; no part of a result


@cache
def own_version() -> str:
    """The package's version and a hash of its sources, so that two checkouts of one version are told apart."""
    digest = hashlib.sha256()
    files = {path.relative_to(_PACKAGE).as_posix(): path for path in _PACKAGE.rglob("*.py")}
    for name in sorted(name for name in files if name.split("/")[0] not in _GENERATED):
        digest.update(name.encode() + b"\0" + files[name].read_bytes() + b"\0")
    return f"{__version__}+{digest.hexdigest()[:12]}"
