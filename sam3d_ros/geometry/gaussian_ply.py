"""Gaussians to and from the PLY file of 3D Gaussian splatting (Kerbl et al. 2023), which public viewers open.

One vertex per Gaussian, binary, little-endian, float32: opacity as logit, scales as natural logarithm, the rotation as
w, x, y, z, the colour as constant spherical harmonic. Metres in the z-up object frame. The header has no comments:
some viewers take every line of it for an element or a property.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from .gaussians import Gaussians, GaussiansError
from .mesh_io import write_atomically

_FIELDS = (
    "x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2", "opacity",
    "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3",
)  # fmt: skip
_UNUSED = ("nx", "ny", "nz")
_NUMBERS = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "<i2", "int16": "<i2", "ushort": "<u2",
    "uint16": "<u2", "int": "<i4", "int32": "<i4", "uint": "<u4", "uint32": "<u4", "float": "<f4", "float32": "<f4",
    "double": "<f8", "float64": "<f8",
}  # fmt: skip
_END = b"end_header\n"
_LOGIT_LIMIT = 1e-6  # opacities of 0 and 1 have no finite logit


class GaussianFileError(ValueError):
    """A file that is no PLY of Gaussians; the message says what is wrong and what to do."""


def encode_gaussian_ply(gaussians: Gaussians) -> bytes:
    """The bytes of the file. Opacities nearer to 0 or 1 than a millionth are written as that."""
    opacity = np.clip(gaussians.opacities.astype(np.float64), _LOGIT_LIMIT, 1 - _LOGIT_LIMIT)
    columns = [
        gaussians.means,
        np.zeros_like(gaussians.means),
        gaussians.sh_dc,
        logit(opacity)[:, None],
        np.log(gaussians.scales),
        gaussians.quat_wxyz,
    ]
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {len(gaussians)}"]
    header += [f"property float {name}" for name in _FIELDS]
    return ("\n".join(header) + "\n").encode("ascii") + _END + np.concatenate(columns, axis=1).astype("<f4").tobytes()


def decode_gaussian_ply(data: bytes) -> Gaussians:
    """Gaussians of the bytes of a file; properties beyond ours are passed over, higher harmonics among them.

    Raises GaussianFileError for anything but a whole binary little-endian PLY whose vertices have our properties.
    """
    head, found, body = data.partition(_END)
    if not found or not head.startswith(b"ply\n"):
        raise GaussianFileError("not a PLY file; it begins with 'ply' and has a line 'end_header'")
    count, row = _layout(head.decode("ascii", "replace").splitlines()[1:])
    missing = [name for name in _FIELDS if name not in (row.names or ()) and name not in _UNUSED]
    if missing:
        raise GaussianFileError(f"no PLY of Gaussians: its vertices lack {', '.join(missing)}")
    if len(body) < count * row.itemsize:
        raise GaussianFileError(f"cut off: {count} Gaussians take {count * row.itemsize} bytes, {len(body)} are there")
    rows = np.frombuffer(body, row, count)
    try:
        return Gaussians(
            means=_columns(rows, "x", "y", "z"),
            scales=np.exp(_columns(rows, "scale_0", "scale_1", "scale_2")),
            quat_wxyz=_columns(rows, "rot_0", "rot_1", "rot_2", "rot_3"),
            opacities=expit(_columns(rows, "opacity")[:, 0]),
            sh_dc=_columns(rows, "f_dc_0", "f_dc_1", "f_dc_2"),
        )
    except GaussiansError as error:
        raise GaussianFileError(f"its numbers are no Gaussians ({error}); export the file again") from error


def write_gaussian_ply(path: Path | str, gaussians: Gaussians) -> None:
    """Write the file, whole or not at all."""
    write_atomically(path, encode_gaussian_ply(gaussians))


def read_gaussian_ply(path: Path | str) -> Gaussians:
    """Gaussians of a file. Raises FileNotFoundError, or GaussianFileError naming the file."""
    try:
        return decode_gaussian_ply(Path(path).read_bytes())
    except GaussianFileError as error:
        raise GaussianFileError(f"cannot read {path}: {error}") from error


def _columns(rows: NDArray[np.void], *names: str) -> NDArray[np.float32]:
    return np.stack([rows[name].astype(np.float32) for name in names], axis=1)


def _layout(lines: list[str]) -> tuple[int, np.dtype[np.void]]:
    """How many vertices there are and what one of them holds, by the lines of the header."""
    words = [line.split() for line in lines if line.split() and line.split()[0] not in ("comment", "obj_info")]
    if not words or words[0] != ["format", "binary_little_endian", "1.0"]:
        raise GaussianFileError("only binary little-endian PLY files, version 1.0, are read")
    elements = [index for index, line in enumerate(words) if line[0] == "element"]
    if not elements or words[elements[0]][1:2] != ["vertex"] or not words[elements[0]][-1].isdigit():
        raise GaussianFileError("its first element is not 'vertex' with a number")
    properties = words[elements[0] + 1 : elements[1] if len(elements) > 1 else None]
    if any(len(line) != 3 or line[1] not in _NUMBERS for line in properties):
        raise GaussianFileError("its vertices have properties that are no plain numbers")
    try:
        row = np.dtype([(name, _NUMBERS[kind]) for _, kind, name in properties])
    except ValueError as error:
        raise GaussianFileError(f"its vertices have a property twice ({error})") from error
    return int(words[elements[0]][-1]), row
