"""The action ~/reconstruct and the services ~/clear and ~/save, as a client sees them."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("rclpy")

from action_msgs.msg import GoalStatus
from rclpy.action import ActionClient
from sam3d_ros.action import Reconstruct
from sam3d_ros.srv import Save
from std_srvs.srv import Trigger
from visualization_msgs.msg import Marker

from sam3d_ros.geometry.mesh_io import read_mesh
from sam3d_ros.pipeline.fake import FakeConfig

pytestmark = pytest.mark.ros


class Goal:
    """One goal on its way."""

    def __init__(self, rig, **fields) -> None:
        self._rig = rig
        self._client = ActionClient(rig.client, Reconstruct, "sam3d/reconstruct")
        rig.until(self._client.server_is_ready, "the action server")
        self.feedback: list[Reconstruct.Feedback] = []
        sent = self._client.send_goal_async(
            Reconstruct.Goal(**fields), feedback_callback=lambda message: self.feedback.append(message.feedback)
        )
        self.handle = rig.until(sent.result, "the answer to the goal")

    def result(self):
        response = self._rig.until(self.handle.get_result_async().result, "the result")
        self._client.destroy()
        return response.status, response.result


def call(rig, kind, name: str, request):
    client = rig.client.create_client(kind, name)
    rig.until(client.service_is_ready, name)
    return rig.until(client.call_async(request).result, f"the answer of {name}")


def test_on_request_known_objects_are_followed_and_new_ones_wait_for_a_goal(make_rig, messages):
    rig = make_rig(mode="on_request").up()
    objects, rejections = rig.exchange(10.0)
    assert objects.objects == []
    assert rejections == []
    status, result = Goal(rig, labels=[3]).result()
    assert status == GoalStatus.STATUS_SUCCEEDED
    assert result.success
    assert [item.label for item in result.objects] == [3]
    assert messages.stamp_of(result) == 10.0
    objects, _ = rig.exchange(10.1)
    assert [item.label for item in objects.objects] == [3]


def test_a_goal_without_labels_asks_for_every_mask_of_the_newest_frame(make_rig):
    rig = make_rig(mode="on_request").up()
    rig.exchange(10.0)
    _, result = Goal(rig).result()
    assert [item.label for item in result.objects] == [3, 7]
    assert all(len(item.mesh.vertices) for item in result.objects)


def test_feedback_names_stage_and_percent_and_brings_the_coarse_object(make_rig):
    rig = make_rig(FakeConfig(delay_s=0.2), mode="on_request").up()
    rig.exchange(10.0)
    goal = Goal(rig, labels=[7])
    _, result = goal.result()
    assert {item.label for item in goal.feedback} == {7}
    assert [item.percent for item in goal.feedback if not item.has_coarse] == [50.0, 100.0]
    coarse = [item.coarse for item in goal.feedback if item.has_coarse]
    assert len(coarse) == 1
    assert coarse[0].id == result.objects[0].id
    assert len(coarse[0].mesh.triangles) > 0


def test_a_goal_may_bring_its_own_frame(make_rig, messages):
    rig = make_rig(mode="on_request").up()
    picture = messages.Picture({9: (40, 60)})
    inputs = {
        "image": messages.image_message(picture.color, "rgb8"),
        "depth": messages.image_message(picture.depth_mm, "16UC1"),
        "mask": messages.image_message(picture.labels.astype("uint8"), "mono8"),
        "camera_info": messages.camera_info_message(),
    }
    status, result = Goal(rig, **{name: messages.stamped(m, 42.0) for name, m in inputs.items()}).result()
    assert status == GoalStatus.STATUS_SUCCEEDED
    assert messages.stamp_of(result) == 42.0
    assert [item.label for item in result.objects] == [9]


def test_a_goal_with_a_broken_frame_is_aborted_with_the_reason(rig, messages):
    picture = messages.Picture()
    image = messages.stamped(messages.image_message(picture.color, "rgb8"), 42.0)
    status, result = Goal(rig, image=image).result()
    assert status == GoalStatus.STATUS_ABORTED
    assert not result.success
    assert "camera_info" in result.message


def test_a_goal_before_the_first_frame_is_aborted_with_the_reason(rig):
    status, result = Goal(rig).result()
    assert status == GoalStatus.STATUS_ABORTED
    assert "no matched frame" in result.message


def test_a_goal_is_refused_while_the_node_is_not_active(make_rig):
    rig = make_rig()
    rig.node.trigger_configure()
    assert not Goal(rig).handle.accepted


def test_masks_that_the_goal_asks_for_and_that_are_not_there_are_rejected(rig):
    rig.exchange(10.0)
    _, result = Goal(rig, labels=[3, 99], again=True).result()
    assert [(r.label, r.reason) for r in result.rejections] == [(99, "empty_mask")]


def test_again_makes_a_known_object_anew_under_its_id(rig):
    rig.exchange(10.0)
    _, result = Goal(rig, labels=[3], again=True).result()
    (item,) = result.objects
    assert item.id == 1
    assert item.mesh_version > 2


def test_cancel_ends_the_reconstruction_and_the_node_goes_on(make_rig):
    rig = make_rig(FakeConfig(delay_s=20.0), mode="on_request").up()
    rig.exchange(10.0)
    goal = Goal(rig)
    rig.until(lambda: rig.node.session.backend.running, "the model at work")
    rig.until(goal.handle.cancel_goal_async().result, "the answer to cancel")
    status, result = goal.result()
    assert status == GoalStatus.STATUS_CANCELED
    assert {r.label: r.reason for r in result.rejections} == {3: "cancelled", 7: "cancelled"}
    rig.backends[0].config = FakeConfig()
    assert len(Goal(rig).result()[1].objects) == 2


def test_a_goal_is_answered_where_the_model_hangs(make_rig):
    rig = make_rig(FakeConfig(hang_labels=frozenset({3})), mode="on_request", object_timeout=0.2, hang_timeout=0.5).up()
    rig.exchange(10.0)
    status, result = Goal(rig, labels=[3]).result()
    assert status == GoalStatus.STATUS_ABORTED
    assert "given up" in result.message


def test_deactivating_cancels_goals(make_rig):
    rig = make_rig(FakeConfig(delay_s=20.0), mode="on_request").up()
    rig.exchange(10.0)
    goal = Goal(rig)
    rig.until(lambda: rig.node.session.backend.running, "the model at work")
    rig.node.trigger_deactivate()
    _, result = goal.result()
    assert {r.reason for r in result.rejections} == {"cancelled"}


def test_clear_forgets_all_objects_deletes_markers_and_never_gives_an_id_twice(rig):
    rig.exchange(10.0)
    answer = call(rig, Trigger, "sam3d/clear", Trigger.Request())
    assert answer.success
    assert answer.message == "2 objects forgotten"
    rig.until(lambda: rig.received["objects"][-1].objects == [], "an empty objects message")
    rig.until(
        lambda: any(m.action == Marker.DELETEALL for a in rig.received["markers"] for m in a.markers), "the deletion"
    )
    objects, _ = rig.exchange(10.1)
    assert [item.id for item in objects.objects] == [3, 4]


def test_clear_stops_a_reconstruction(make_rig):
    rig = make_rig(FakeConfig(delay_s=20.0)).up()
    rig.send(10.0)
    rig.until(lambda: rig.node.session.backend.running, "the model at work")
    assert call(rig, Trigger, "sam3d/clear", Trigger.Request()).success


def test_save_writes_every_object_in_every_format_below_the_output_folder(make_rig, tmp_path):
    rig = make_rig(output_folder=str(tmp_path / "out")).up()
    objects, _ = rig.exchange(10.0)
    answer = call(rig, Save, "sam3d/save", Save.Request(folder="run/1", formats=["glb", "ply", "obj"]))
    assert answer.success
    assert sorted(Path(name).name for name in answer.files) == [
        f"object_{number}.{suffix}" for number in (1, 2) for suffix in ("glb", "obj", "ply")
    ]
    assert all(Path(name).parent == tmp_path / "out" / "run" / "1" for name in answer.files)
    mesh = read_mesh(tmp_path / "out" / "run" / "1" / "object_1.ply")
    size = objects.objects[0].size
    assert mesh.extents == pytest.approx([size.x, size.y, size.z], rel=1e-5)


@pytest.mark.parametrize("folder", ["../outside", "/tmp/outside", "a/../../outside"])
def test_save_refuses_to_leave_the_output_folder(make_rig, tmp_path, folder):
    rig = make_rig(output_folder=str(tmp_path / "out")).up()
    rig.exchange(10.0)
    answer = call(rig, Save, "sam3d/save", Save.Request(folder=folder))
    assert not answer.success
    assert "below output_folder" in answer.message
    assert list(answer.files) == []
    assert not (tmp_path / "outside").exists()


def test_exported_meshes_are_named_in_the_objects_by_plain_absolute_path(make_rig, tmp_path):
    rig = make_rig(export_meshes=True, mesh_format="ply", output_folder=str(tmp_path)).up()
    objects, _ = rig.exchange(10.0)
    for item in objects.objects:
        assert Path(item.mesh_file).is_absolute()
        assert read_mesh(item.mesh_file).vertices.reshape(-1) == pytest.approx(item.mesh.vertices)


def test_a_disk_that_takes_no_files_costs_the_paths_and_not_the_objects(make_rig, tmp_path, capfd):
    (tmp_path / "file").write_text("in the way")
    rig = make_rig(export_meshes=True, output_folder=str(tmp_path / "file")).up()
    objects, rejections = rig.exchange(10.0)
    assert rejections == []
    assert [item.mesh_file for item in objects.objects] == ["", ""]
    assert "meshes cannot be exported" in capfd.readouterr().err
