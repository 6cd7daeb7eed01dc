"""Messages as they come over DDS, made into frames of the page. Whoever subscribes calls the methods."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..geometry.transform_tree import TransformTree
from ..pipeline.decode import stamp_ns
from ..pipeline.frame_messages import FrameMessages
from ..pipeline.matching import StampMatcher
from ..replay.bags.bag_frames import MatchConfig, add_transforms
from ..replay.bags.published import PublishedScene, PublishedScenes, result_latency_ms
from ..tracking import SceneUpdate
from .assembly import Assembler
from .camera_view import POINT_BUDGET
from .shown import ShownFrame

# Results come seconds after their image where a model is slow: that long images and transforms are kept.
_KEPT_BYTES = 256 * 2**20
_KEPT_TRANSFORMS_NS = 120 * 10**9
_KEPT_MASKS = 60
_LATE_MS = 50.0  # between objects and points; less is not worth a word
_PREVIEW_NS = 10**9  # between two pictures while there are no results


class LiveFeed:
    """Gives a frame to `on_frame` for each message of results, and pictures alone before the first of them."""

    def __init__(
        self,
        on_frame: Callable[[ShownFrame], None],
        *,
        raw: Callable[[], bool] = lambda: True,
        target_frame: str = "",
        point_budget: int = POINT_BUDGET,
    ) -> None:
        self._on_frame = on_frame
        self._raw = raw
        self._target_frame = target_frame
        self._tree = TransformTree(_KEPT_TRANSFORMS_NS)
        self._assembler = Assembler(self._tree, target_frame=target_frame, point_budget=point_budget)
        self._scenes = PublishedScenes()
        self._matcher: StampMatcher[Any] = StampMatcher(2, MatchConfig().queue_size, round(MatchConfig().slop_s * 1e9))
        self._pairs: deque[tuple[Any, Any]] = deque()
        self._masks: dict[int, Any] = {}
        self._camera_info: Any = None
        self._previewed_ns = 0
        self.results = 0  # messages of objects so far
        self.fault = ""  # of the last message that could not be used

    def transforms(self, message: Any, *, static: bool) -> None:
        """A TFMessage of /tf or /tf_static."""
        try:
            add_transforms(self._tree, message, static=static)
        except ValueError as error:
            self.fault = f"a transform cannot be used: {error}"

    def camera_info(self, message: Any) -> None:
        self._camera_info = message

    def mask(self, message: Any) -> None:
        self._masks[stamp_ns(message)] = message
        while len(self._masks) > _KEPT_MASKS:
            del self._masks[next(iter(self._masks))]

    def image(self, message: Any) -> None:
        self._match(0, message)

    def depth(self, message: Any) -> None:
        """A depth image or an organised cloud."""
        self._match(1, message)

    def objects(self, message: Any, *, now_ns: int) -> None:
        """A ReconstructedObjectArray, received at `now_ns` of the node's clock."""
        self.results += 1
        self._take(self._scenes.objects, message, now_ns)

    def rejections(self, message: Any, *, now_ns: int) -> None:
        """A RejectionArray: the last word of a frame."""
        self._take(self._scenes.rejections, message, now_ns)

    def _take(self, take: Callable[..., PublishedScene], message: Any, now_ns: int) -> None:
        try:
            scene = take(message, latency_ms=result_latency_ms(message, now_ns))
        except ValueError as error:  # of a node of another version, or of somebody else
            self.fault = f"results cannot be used: {error}"
            return
        self._show(scene)

    def _match(self, index: int, message: Any) -> None:
        pair = self._matcher.add(index, stamp_ns(message), message)
        if pair is None:
            return
        self._pairs.append((pair[0], pair[1]))
        while len(self._pairs) > 1 and sum(map(_size, self._pairs)) > _KEPT_BYTES:
            self._pairs.popleft()
        if not self.results and abs(stamp_ns(pair[0]) - self._previewed_ns) > _PREVIEW_NS:
            self._previewed_ns = stamp_ns(pair[0])
            nothing = SceneUpdate(self._previewed_ns, (), (), (), final=False)
            self._show(PublishedScene(nothing, self._target_frame or str(pair[0].header.frame_id)))

    def _show(self, scene: PublishedScene) -> None:
        camera = self._nearest(scene.update.stamp_ns)
        frame = self._assembler.frame(scene, camera)
        if camera is not None:
            apart_ms = (camera.stamp_ns - frame.stamp_ns) / 1e6
            if abs(apart_ms) > _LATE_MS:
                word = "newer" if apart_ms > 0 else "older"
                notice = f"picture and points are {abs(apart_ms):.0f} ms {word} than the objects"
                frame = replace(frame, notices=(*frame.notices, notice))
        self._on_frame(frame)

    def _nearest(self, stamp: int) -> FrameMessages | None:
        pair = min(self._pairs, key=lambda item: abs(stamp_ns(item[0]) - stamp), default=None)
        if pair is None:
            return None
        mask = self._masks.get(stamp_ns(pair[0]))
        return FrameMessages(pair[0], pair[1], mask, self._camera_info, raw=self._raw())


def _size(pair: tuple[Any, Any]) -> int:
    return sum(len(message.data) for message in pair)
