"""Tree of named frames over time, with the semantics of tf2: chains, inverses, interpolation, latest common time.

Stamps are nanoseconds; 0 asks for the newest instant at which the whole chain is known. Free of ROS, so that the
replay of a bag looks transforms up exactly as the node does.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass, field

import numpy as np

from .transforms import SE3, Float64Array

DEFAULT_CACHE_NS = 10_000_000_000


class TransformLookupError(Exception):
    """A transform between two frames that cannot be given."""


class UnknownFrameError(TransformLookupError):
    """A frame that nobody ever published."""


class UnconnectedFramesError(TransformLookupError):
    """Two frames that lie in different trees."""


class ExtrapolationError(TransformLookupError):
    """A time outside what was received."""


@dataclass(frozen=True, slots=True)
class _Sample:
    stamp: int
    parent: str
    T_parent_child: SE3


@dataclass(slots=True)
class _Link:
    """What is known of one child frame: its samples by time, or one that holds for ever."""

    static: bool
    samples: list[_Sample] = field(default_factory=list)


class TransformTree:
    """Thread-safe store of the newest `cache_ns` nanoseconds of each moving frame."""

    def __init__(self, cache_ns: int = DEFAULT_CACHE_NS) -> None:
        self.cache_ns = cache_ns
        self._links: dict[str, _Link] = {}
        self._frames: set[str] = set()
        self._lock = threading.RLock()

    def set(self, parent: str, child: str, T_parent_child: SE3, *, stamp: int, static: bool = False) -> bool:
        """Store that `child` is posed in `parent`; False where the stamp is older than the cache reaches."""
        parent, child = parent.lstrip("/"), child.lstrip("/")
        if not parent or not child or parent == child:
            raise ValueError(f"a transform needs two different frame names, got parent '{parent}', child '{child}'")
        sample = _Sample(stamp, parent, T_parent_child)
        with self._lock:
            link = self._links.get(child)
            if link is None or link.static != static:
                link = self._links[child] = _Link(static)
            self._frames.update((parent, child))
            return self._insert(link, sample)

    def lookup(self, target: str, source: str, stamp: int = 0) -> tuple[SE3, int]:
        """T_target_source at `stamp`, and the stamp that was used (0: the newest common one, 0 where all is static).

        A frame in itself is the identity, known or not. Raises UnknownFrameError, UnconnectedFramesError or
        ExtrapolationError, each naming frames and times.
        """
        target, source = target.lstrip("/"), source.lstrip("/")
        with self._lock:
            if target == source:
                return SE3.identity(), stamp or self._newest_stamp(target)
            self._require_frames(target, source)
            when = stamp if stamp else self._latest_common(target, source)
            T_root_target, T_root_source = self._to_common_root(target, source, when)
        return T_root_target.inverse() @ T_root_source, when

    def frames(self) -> list[str]:
        """Names of all frames, sorted."""
        with self._lock:
            return sorted(self._frames)

    def clear(self) -> None:
        """Forget the moving transforms and keep the static ones, which are sent only once."""
        with self._lock:
            self._links = {child: link for child, link in self._links.items() if link.static}

    def _insert(self, link: _Link, sample: _Sample) -> bool:
        if link.static:
            link.samples = [sample]
            return True
        samples = link.samples
        if samples and sample.stamp < samples[-1].stamp - self.cache_ns:
            return False
        position = bisect_left(samples, sample.stamp, key=_stamp_of)
        if position < len(samples) and samples[position].stamp == sample.stamp:
            samples[position] = sample
        else:
            insort(samples, sample, key=_stamp_of)
        oldest = samples[-1].stamp - self.cache_ns
        del samples[: bisect_left(samples, oldest, key=_stamp_of)]
        return True

    def _require_frames(self, target: str, source: str) -> None:
        for name in (target, source):
            if name not in self._frames:
                known = ", ".join(sorted(self._frames)) or "none"
                raise UnknownFrameError(f"frame '{name}' does not exist; frames that were received: {known}")

    def _newest_stamp(self, frame: str) -> int:
        link = self._links.get(frame)
        return 0 if link is None or link.static else link.samples[-1].stamp

    def _latest_common(self, target: str, source: str) -> int:
        """Newest stamp at which every moving link between the frames has data, following the newest parents."""
        up_target, up_source = self._newest_chain(target), self._newest_chain(source)
        shared = next((name for name in up_target if name in up_source), None)
        if shared is None:
            raise _unconnected(target, source, up_target, up_source)
        way = [*_until(up_target, shared), *_until(up_source, shared)]
        stamps = [link.samples[-1].stamp for link in (self._links[name] for name in way) if not link.static]
        return min(stamps, default=0)

    def _newest_chain(self, frame: str) -> list[str]:
        chain = [frame]
        while (link := self._links.get(chain[-1])) is not None:
            parent = link.samples[-1].parent
            if parent in chain:
                raise UnconnectedFramesError(f"frames form a loop: {' -> '.join([*chain, parent])}")
            chain.append(parent)
        return chain

    def _to_common_root(self, target: str, source: str, stamp: int) -> tuple[SE3, SE3]:
        up_target, broken_target = self._chain_at(target, stamp)
        up_source, broken_source = self._chain_at(source, stamp)
        shared = next((name for name in up_target if name in up_source), None)
        if shared is not None:
            return up_target[shared], up_source[shared]
        broken = broken_target or broken_source
        if broken is not None:
            raise ExtrapolationError(f"{broken}, when looking up '{source}' in '{target}'")
        raise _unconnected(target, source, list(up_target), list(up_source))

    def _chain_at(self, frame: str, stamp: int) -> tuple[dict[str, SE3], str | None]:
        """T_ancestor_frame of each ancestor at `stamp`, nearest first, and why the chain ended early, if it did."""
        chain = {frame: SE3.identity()}
        current = frame
        while (link := self._links.get(current)) is not None:
            reason = _out_of_reach(link, current, stamp)
            if reason is not None:
                return chain, reason
            parent, T_parent_child = _at(link, stamp)
            if parent in chain:
                raise UnconnectedFramesError(f"frames form a loop: {' -> '.join([*chain, parent])}")
            chain[parent] = T_parent_child @ chain[current]
            current = parent
        return chain, None


def interpolate(T_a: SE3, T_b: SE3, ratio: float) -> SE3:
    """Between two poses of one parent: straight line in translation, shortest great arc in rotation (slerp)."""
    translation = (1.0 - ratio) * T_a.translation_xyz + ratio * T_b.translation_xyz
    return SE3(_slerp(T_a.quat_wxyz, T_b.quat_wxyz, ratio), translation)


def _slerp(q_a: Float64Array, q_b: Float64Array, ratio: float) -> Float64Array:
    """Shoemake, SIGGRAPH 1985; the half-angle comes from atan2, which stays exact for small and large angles."""
    if q_a @ q_b < 0.0:
        q_b = -q_b
    angle = 2.0 * np.arctan2(np.linalg.norm(q_a - q_b), np.linalg.norm(q_a + q_b))
    if angle < 1e-9:
        return q_a + ratio * (q_b - q_a)
    weighted: Float64Array = (np.sin((1.0 - ratio) * angle) * q_a + np.sin(ratio * angle) * q_b) / np.sin(angle)
    return weighted


def _stamp_of(sample: _Sample) -> int:
    return sample.stamp


def _at(link: _Link, stamp: int) -> tuple[str, SE3]:
    """Parent and pose at a stamp that the link reaches."""
    if link.static:
        return link.samples[0].parent, link.samples[0].T_parent_child
    position = bisect_right(link.samples, stamp, key=_stamp_of)
    older = link.samples[position - 1]
    # Between two samples with different parents nothing can be interpolated: the older one holds until the newer.
    if older.stamp == stamp or link.samples[position].parent != older.parent:
        return older.parent, older.T_parent_child
    newer = link.samples[position]
    ratio = (stamp - older.stamp) / (newer.stamp - older.stamp)
    return older.parent, interpolate(older.T_parent_child, newer.T_parent_child, ratio)


def _out_of_reach(link: _Link, child: str, stamp: int) -> str | None:
    if link.static:
        return None
    oldest, newest = link.samples[0], link.samples[-1]
    if oldest.stamp <= stamp <= newest.stamp:
        return None
    side, edge, word = ("future", newest, "newest") if stamp > newest.stamp else ("past", oldest, "oldest")
    return (
        f"'{child}' in '{edge.parent}' would need extrapolation into the {side}: asked for {_seconds(stamp)}, "
        f"the {word} is {_seconds(edge.stamp)} ({abs(stamp - edge.stamp) / 1e6:.1f} ms away)"
    )


def _seconds(stamp: int) -> str:
    return f"{stamp // 1_000_000_000}.{stamp % 1_000_000_000:09d} s"


def _until(chain: list[str], last: str) -> list[str]:
    return chain[: chain.index(last)]


def _unconnected(target: str, source: str, up_target: list[str], up_source: list[str]) -> UnconnectedFramesError:
    return UnconnectedFramesError(
        f"'{source}' and '{target}' are not connected: '{target}' ends in tree '{up_target[-1]}', "
        f"'{source}' in tree '{up_source[-1]}'"
    )
