"""Results as a bag say what the node would say: of what is unseen, and of frames that were refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from sam3d_ros.geometry import SE3
from sam3d_ros.geometry.box_mesh import box_mesh
from sam3d_ros.pipeline import Quality, Rejection, RejectionReason
from sam3d_ros.replay.bags.bag import Bag
from sam3d_ros.replay.bags.result_bag import DETECTIONS, OBJECTS, REJECTIONS, ResultBag
from sam3d_ros.tracking import ObjectState, SceneObject, SceneUpdate

STAMP = 5_000_000_000
SEEN = SceneObject(
    object_id=1,
    label=1,
    detection=None,
    state=ObjectState.COMPLETE,
    mesh=box_mesh(np.array([0.1, 0.1, 0.1]), color=np.full(3, 90.0)),
    mesh_version=1,
    T_ref_obj=SE3.identity(),
    covariance=np.eye(6),
    scale=0.1,
    quality=Quality(),
    stamp_ns=STAMP,
)
UNSEEN = dataclasses.replace(SEEN, object_id=2, label=2, state=ObjectState.UNSEEN, stamp_ns=STAMP - 10**9)


def decoded(path, topic):
    with Bag(path) as bag:
        return [bag.decode(message) for message in bag.messages([topic])]


@pytest.mark.parametrize(("fixed_frame", "placed"), [(True, [1, 2]), (False, [1])])
def test_what_is_unseen_has_a_place_in_a_fixed_frame_only(tmp_path, fixed_frame, placed):
    path = tmp_path / "results.mcap"
    with ResultBag(path, fixed_frame=fixed_frame) as results:
        results.write(SceneUpdate(STAMP, (SEEN, UNSEEN), (), (), True), "map", time_ns=STAMP)
    (transforms,), (detections,) = decoded(path, "/tf"), decoded(path, DETECTIONS)
    assert [item.child_frame_id for item in transforms.transforms] == [f"object_{number}" for number in placed]
    assert [item.id for item in detections.detections] == [str(number) for number in placed]
    (objects,) = decoded(path, OBJECTS)
    assert [item.id for item in objects.objects] == [1, 2]


def test_of_a_refused_frame_only_the_reasons_are_told(tmp_path):
    path = tmp_path / "results.mcap"
    reason = Rejection(0, RejectionReason.INVALID_INPUT, "no calibration")
    with ResultBag(path) as results:
        results.write_rejections(SceneUpdate(STAMP, (SEEN,), (reason,), (), True), "optical", time_ns=STAMP)
    with Bag(path) as bag:
        assert [topic.name for topic in bag.topics if topic.count] == [REJECTIONS]
    (message,) = decoded(path, REJECTIONS)
    assert message.header.frame_id == "optical"
    assert [item.reason for item in message.rejections] == ["invalid_input"]
