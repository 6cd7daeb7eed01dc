"""What was published, put beside the frames of the bag: records for a report. Without ROS."""

from __future__ import annotations

from collections.abc import Mapping

from ...geometry import SE3
from ...pipeline.frame_messages import decode_frame
from ...tracking import SceneUpdate
from ..bags.bag import Bag
from ..bags.bag_frames import BagFrames, camera_pose, read_transforms
from ..bags.topics import InputTopics
from ..frames.results import FrameRecord
from ..truth.truth_object import TruthObject


def published_records(
    bag: Bag,
    inputs: InputTopics,
    updates: Mapping[int, SceneUpdate],
    *,
    target_frame: str,
    truth: Mapping[int, tuple[TruthObject, ...]],
) -> list[FrameRecord]:
    """One record for each frame that the node answered, in order; `updates` and `truth` are by image stamp.

    The camera's pose comes from the transforms of the bag, as for anybody who listens to the node.
    """
    tree = read_transforms(bag)
    records: list[FrameRecord] = []
    for messages in BagFrames(bag, inputs):
        update = updates.get(messages.stamp_ns)
        if update is None:
            continue
        pose = camera_pose(tree, target_frame, messages) if target_frame else None
        if isinstance(pose, SE3 | None):
            name = f"frame_{len(records):04d}"
            known = truth.get(messages.stamp_ns, ())
            records.append(FrameRecord(name, decode_frame(messages), update, known, pose))
    return records
