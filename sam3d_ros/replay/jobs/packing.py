"""A folder as bytes and back, for workers that do not share a disk with us."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path, PurePosixPath


class PackingError(ValueError):
    """What a folder holds cannot travel, or what came would not stay inside the folder."""


def pack(folder: Path) -> bytes:
    """The files and folders below `folder` as an uncompressed tar. Raises PackingError for links and devices."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise PackingError(f"{name} is neither file nor folder; results may hold nothing else")
            archive.add(path, name, recursive=False)
    return buffer.getvalue()


def unpack(data: bytes, folder: Path) -> None:
    """Write what `pack` made into an existing folder. Raises PackingError before anything outside it is touched."""
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        for member in archive:
            target = folder / _inside(member)
            target.parent.mkdir(parents=True, exist_ok=True)
            content = archive.extractfile(member) if member.isreg() else None
            if content is None:
                target.mkdir(exist_ok=True)
            else:
                target.write_bytes(content.read())


def _inside(member: tarfile.TarInfo) -> PurePosixPath:
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts or not (member.isreg() or member.isdir()):
        raise PackingError(f"{member.name!r} is no plain file or folder inside the results; nothing of it is unpacked")
    return path
