"""Mend the exported CMake files of the ROS wheels.

The `generator_py` export of each message package names two include folders of the machine on which the wheels were
built; CMake refuses a target with an include folder that does not exist. They are replaced by this interpreter's own.
"""

from __future__ import annotations

import re
from pathlib import Path

_INCLUDES = re.compile(r'(INTERFACE_INCLUDE_DIRECTORIES\s+)"([^"]*)"')


def mend(prefix: Path, include_folders: tuple[str, ...]) -> tuple[Path, ...]:
    """Let every `generator_py` export below `prefix` name `include_folders`; returns the files that were changed.

    Running it again, also after NumPy moved its headers, is harmless: whatever is named there now is replaced.
    """
    changed = []
    for path in sorted(prefix.glob("share/*/cmake/*generator_py*.cmake")):
        text = path.read_text()
        mended = mended_text(text, include_folders)
        if mended != text:
            path.write_text(mended)
            changed.append(path)
    return tuple(changed)


def mended_text(text: str, include_folders: tuple[str, ...]) -> str:
    """The file's text with every absolute include folder replaced; folders relative to the package stay."""

    def replace(match: re.Match[str]) -> str:
        kept = [folder for folder in match.group(2).split(";") if folder.startswith("${")]
        return f'{match.group(1)}"{";".join([*kept, *include_folders])}"'

    return _INCLUDES.sub(replace, text)
