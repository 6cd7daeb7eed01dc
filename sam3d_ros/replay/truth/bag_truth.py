"""What is true of the objects of a bag, frame by frame: meshes from a file, poses from the file, TF or a topic.

`truth_file` says how the file looks. Without one, the boxes of true detections are all that is known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ...geometry import SE3
from ...geometry.box_mesh import box_mesh
from ...geometry.transform_tree import TransformLookupError, TransformTree
from ...pipeline.frame_messages import FrameMessages
from ..bags.bag import Bag, BagError
from ..bags.topics import list_topics
from .true_detections import TrueBox, TrueDetections, read_detections, truth_topic
from .truth_file import KnownObject, find_truth_file, read_truth_file
from .truth_object import TruthObject

_GREY = np.full(3, 160.0)  # sRGB


class BagTruth:
    """The truth of one bag. `missing` collects, by name, why an object could not be placed in some frame."""

    def __init__(self, known: Sequence[KnownObject], detections: TrueDetections, tree: TransformTree) -> None:
        self._known = tuple(known)
        self._symmetries = {item.name: item.symmetries.discretised() for item in known}
        self._detections = detections
        self._tree = tree
        self.missing: dict[str, str] = {}

    def at(self, messages: FrameMessages) -> tuple[TruthObject, ...]:
        """The objects at the stamp of an image, in its optical frame; label 0 where the file gives none."""
        boxes = self._detections.near(messages.stamp_ns)
        if self._known:
            found = [self._known_object(item, boxes, messages) for item in self._known]
        else:
            found = [self._bare_box(name, box, messages) for name, box in boxes.items()]
        return tuple(item for item in found if item is not None)

    def _known_object(
        self, item: KnownObject, boxes: Mapping[str, TrueBox], messages: FrameMessages
    ) -> TruthObject | None:
        pose = item.T_cam_obj
        if item.frame:
            pose = self._pose(item.name, messages, item.frame, item.T_frame_obj)
        elif item.detection in boxes:
            box = boxes[item.detection]
            pose = self._pose(item.name, messages, box.frame_id, box.T_frame_obj @ item.T_frame_obj)
        elif pose is None:
            self.missing.setdefault(item.name, f"no detection {item.detection} near some images")
        if pose is None:
            return None
        symmetries = self._symmetries[item.name]
        return TruthObject(item.label or 0, item.name, item.mesh, pose, item.category, symmetries)

    def _bare_box(self, name: str, box: TrueBox, messages: FrameMessages) -> TruthObject | None:
        pose = self._pose(name, messages, box.frame_id, box.T_frame_box)
        if pose is None:
            return None
        return TruthObject(0, name, box_mesh(box.size, color=_GREY), pose, box.class_id, box_only=True)

    def _pose(self, name: str, messages: FrameMessages, frame: str, T_frame_obj: SE3) -> SE3 | None:
        try:
            T_cam_frame, _ = self._tree.lookup(messages.frame_id, frame, messages.stamp_ns)
        except TransformLookupError as error:
            self.missing.setdefault(name, str(error))
            return None
        return T_cam_frame @ T_frame_obj


def load_bag_truth(bag: Bag, tree: TransformTree, *, file: Path | None = None, topic: str = "") -> BagTruth | None:
    """The truth of an open bag, or None where nothing is known of it.

    `tree` holds the transforms of the bag. `file` is a truth file; None takes the one beside the bag
    (`find_truth_file`). `topic` is a Detection3DArray; where it is empty, one whose name speaks of truth. Raises
    BagError for what cannot be used.
    """
    chosen = truth_topic(bag, topic)
    file = file or find_truth_file(bag.path)
    known = read_truth_file(file) if file else ()
    if not known and chosen is None:
        return None
    wanting = next((item for item in known if item.detection), None)
    if wanting is not None and chosen is None:
        raise BagError(
            f"{file}: {wanting.name} is placed by detection {wanting.detection}, but no topic of true detections was "
            f"found; name it with --truth-topic; the bag has\n{list_topics(bag.topics)}"
        )
    return BagTruth(known, read_detections(bag, chosen) if chosen else TrueDetections({}), tree)
