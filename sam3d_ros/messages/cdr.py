"""Writer of classic CDR (XCDR1, little-endian), the form in which ROS 2 messages travel.

Alignment counts from the end of the four-byte encapsulation header (OMG CORBA 3.3, part 2, section 9.3; DDS-RTPS 2.5,
section 10.2). Arrays are taken from NumPy as they lie in memory and copied once, when the message is finished.
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

_CDR_LE = b"\x00\x01\x00\x00"


class CdrWriter:
    """Fields go in in the order of the message definition; `finish` gives the bytes for Publisher.publish."""

    def __init__(self, padding: int = 0) -> None:
        self._chunks: list[bytes | memoryview] = [_CDR_LE]
        self._size = 0  # without the encapsulation header
        self._padding = bytes([padding])

    def uint32(self, value: int) -> None:
        self.aligned(struct.pack("<I", value), 4)

    def boolean(self, value: bool) -> None:
        self._put(b"\x01" if value else b"\x00")

    def string(self, text: str) -> None:
        """Length with the closing zero, UTF-8 bytes, zero."""
        data = text.encode()
        self.aligned(struct.pack("<I", len(data) + 1) + data + b"\x00", 4)

    def aligned(self, data: bytes, alignment: int) -> None:
        """Fields that were packed beforehand and whose first one has this alignment."""
        self._align(alignment)
        self._put(data)

    def body(self) -> bytes:
        """What was written so far, without the encapsulation header."""
        return b"".join(self._chunks[1:])

    def sequence(self, rows: NDArray[np.generic]) -> None:
        """Sequence of structures [N, K] whose K fields all have the type of the array."""
        self.uint32(len(rows))
        if rows.size:  # an empty sequence has no first element, and so nothing to align
            self._put_array(rows)

    def finish(self) -> bytes:
        """The whole message."""
        return b"".join(self._chunks)

    def _put_array(self, values: NDArray[np.generic]) -> None:
        little = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
        self._align(little.itemsize)
        self._put(little.reshape(-1).view(np.uint8).data)

    def _align(self, alignment: int) -> None:
        missing = -self._size % alignment
        if missing:
            self._put(self._padding * missing)

    def _put(self, data: bytes | memoryview) -> None:
        self._chunks.append(data)
        self._size += len(data)
