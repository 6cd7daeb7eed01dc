"""The small parts of the node that need neither DDS nor a context: mailbox, deadline, files, figures."""

from __future__ import annotations

import mmap
import threading
import time
from concurrent.futures import CancelledError
from types import SimpleNamespace

import numpy as np
import pytest
from builtin_interfaces.msg import Time

from sam3d_ros.geometry import SE3
from sam3d_ros.geometry.box_mesh import box_mesh
from sam3d_ros.geometry.mesh_io import read_mesh
from sam3d_ros.node.mailbox import Mailbox
from sam3d_ros.node.saving import SaveError, SaveRequest, safe_folder, save_objects
from sam3d_ros.node.statistics import RateMeter, Statistics, resident_memory_mib
from sam3d_ros.node.synchroniser import Synchroniser
from sam3d_ros.node.watched_backend import DeadlineToken
from sam3d_ros.pipeline import Cancelled, CancelToken, Quality
from sam3d_ros.tracking import ObjectState, SceneObject


def test_the_newest_item_wins_and_the_replaced_ones_are_counted():
    seen: list[int] = []
    mailbox: Mailbox[int] = Mailbox(seen.append)
    for item in (1, 2, 3):
        mailbox.put(item)
    mailbox.fetch()()
    assert seen == [3]
    assert mailbox.dropped == 2


def test_calls_go_in_order_and_before_the_item():
    order: list[str] = []
    mailbox: Mailbox[str] = Mailbox(order.append)
    mailbox.put("item")
    mailbox.call(lambda: order.append("first"))
    mailbox.call(lambda: order.append("second"))
    for _ in range(3):
        mailbox.fetch()()
    assert order == ["first", "second", "item"]


def test_what_a_call_returns_or_raises_goes_to_the_one_who_asked():
    mailbox: Mailbox[int] = Mailbox(print)
    good, bad = mailbox.call(lambda: 5), mailbox.call(lambda: 1 // 0)
    mailbox.fetch()()
    mailbox.fetch()()
    assert good.result(0) == 5
    with pytest.raises(ZeroDivisionError):
        bad.result(0)


def test_a_closed_mailbox_ends_the_consumer_and_cancels_what_waits():
    mailbox: Mailbox[int] = Mailbox(print)
    waiting = mailbox.call(lambda: 5)
    mailbox.put(1)
    mailbox.close()
    assert mailbox.fetch() is None
    for future in (waiting, mailbox.call(lambda: 6)):
        with pytest.raises(CancelledError):
            future.result(0)


def test_a_consumer_that_waits_is_woken_by_an_item_and_by_the_end():
    mailbox: Mailbox[int] = Mailbox(lambda _: None)
    fetched: list[bool] = []

    def consume() -> None:
        while (call := mailbox.fetch()) is not None:
            call()
            fetched.append(True)

    thread = threading.Thread(target=consume)
    thread.start()
    mailbox.put(1)
    end = time.monotonic() + 5
    while not fetched and time.monotonic() < end:
        time.sleep(0.01)
    mailbox.close()
    thread.join(5)
    assert fetched
    assert not thread.is_alive()


def test_a_call_whose_consumer_is_lost_is_answered_with_an_error_once():
    mailbox: Mailbox[int] = Mailbox(print)
    future = mailbox.call(lambda: mailbox.fail_current(RuntimeError("lost")))
    mailbox.fetch()()
    with pytest.raises(RuntimeError, match="lost"):
        future.result(0)


def test_a_deadline_cancels_and_tells_itself_from_a_request():
    outer = CancelToken()
    late, patient = DeadlineToken(outer, 0.0), DeadlineToken(outer, 60.0)
    assert late.is_cancelled
    assert late.timed_out
    patient.raise_if_cancelled()
    outer.cancel()
    with pytest.raises(Cancelled):
        patient.raise_if_cancelled()
    assert not patient.timed_out


def test_percentiles_and_counts_are_kept_by_name():
    statistics = Statistics()
    for milliseconds in range(101):
        statistics.add_latencies({"decode": float(milliseconds)})
    statistics.count("dropped", "late")
    statistics.count("dropped", "late", 2)
    assert statistics.percentiles() == {"decode": (50.0, 95.0)}
    assert statistics.counts("dropped") == {"late": 3}
    assert statistics.counts("nothing") == {}


def test_the_rate_is_that_of_the_arrivals_and_falls_to_zero_when_they_stop(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    meter = RateMeter()
    assert meter.age == float("inf")
    for _ in range(31):
        meter.tick()
        now[0] += 0.1
    assert meter.rate == pytest.approx(10.0)
    assert meter.age == pytest.approx(0.1)
    now[0] += 10
    assert meter.rate == 0.0


def test_the_memory_of_this_process_grows_with_what_it_holds():
    before = resident_memory_mib()
    with mmap.mmap(-1, 60 * 2**20) as held:  # pages of its own: an array may take those that the allocator kept
        held.write(b"\1" * len(held))
        assert resident_memory_mib() - before > 40


def message(stamp: int) -> SimpleNamespace:
    return SimpleNamespace(header=SimpleNamespace(stamp=Time(sec=stamp)))


def test_after_a_reset_older_stamps_match_again():
    matched: list[tuple] = []
    synchroniser = Synchroniser(("a", "b"), lambda *found: matched.append(found), queue_size=2, slop=0.1)
    for stamp in (100, 101):
        synchroniser.add("a", message(stamp))
    assert synchroniser.waiting == {"a": 2, "b": 0}
    synchroniser.reset()
    for name in ("a", "b"):
        synchroniser.add(name, message(5))
    assert len(matched) == 1
    assert synchroniser.matches == 1


def scene_object(number: int) -> SceneObject:
    return SceneObject(
        object_id=number,
        label=number,
        detection=None,
        state=ObjectState.COMPLETE,
        mesh=box_mesh(np.array([0.1, 0.2, 0.3]), color=np.array([200.0, 10.0, 10.0])),
        mesh_version=1,
        T_ref_obj=SE3.identity(),
        covariance=np.eye(6),
        scale=0.3,
        quality=Quality(),
        stamp_ns=1,
    )


def test_saving_gives_plain_absolute_paths_of_readable_meshes(tmp_path):
    request = SaveRequest(root=str(tmp_path), folder="a/b", ids=(2,), formats=("glb", "obj"))
    files = save_objects([scene_object(1), scene_object(2)], request).files
    assert files == [str(tmp_path / "a" / "b" / f"object_2.{suffix}") for suffix in ("glb", "obj")]
    assert read_mesh(files[0]).extents == pytest.approx([0.1, 0.2, 0.3])


def test_saving_says_which_objects_have_no_gaussians(tmp_path):
    saved = save_objects([scene_object(1)], SaveRequest(str(tmp_path), "", (), ("ply", "gaussians")))
    assert saved.files == [str(tmp_path / "object_1.ply")]
    assert saved.message.startswith("1 files written; 1 of 1 objects have no Gaussians")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ids": (9,)}, "no objects with ids"),
        ({"formats": ("stl",)}, "unknown formats stl"),
        ({"folder": ".."}, "below output_folder"),
        ({"folder": "x/../../y"}, "below output_folder"),
        ({"folder": "/etc"}, "below output_folder"),
    ],
)
def test_what_cannot_be_saved_is_refused_with_its_reason(tmp_path, changes, words):
    fields = {"root": str(tmp_path / "root"), "folder": "", "ids": (), "formats": ("ply",)}
    with pytest.raises(SaveError, match=words):
        save_objects([scene_object(1)], SaveRequest(**{**fields, **changes}))


def test_symbolic_links_below_the_root_are_refused(tmp_path):
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / "link").symlink_to(outside)
    with pytest.raises(SaveError, match="symbolic link"):
        safe_folder(str(root), "link/deeper")
    assert list(outside.iterdir()) == []


def test_a_link_in_the_place_of_a_file_is_replaced_and_not_followed(tmp_path):
    victim = tmp_path / "victim.ply"
    victim.write_text("precious")
    root = tmp_path / "root"
    root.mkdir()
    (root / "object_1.ply").symlink_to(victim)
    save_objects([scene_object(1)], SaveRequest(root=str(root), folder="", ids=(), formats=("ply",)))
    assert victim.read_text() == "precious"
    assert not (root / "object_1.ply").is_symlink()


def test_a_folder_that_cannot_be_written_is_a_reason_and_no_crash(tmp_path):
    (tmp_path / "file").write_text("in the way")
    request = SaveRequest(root=str(tmp_path / "file"), folder="", ids=(), formats=("ply",))
    with pytest.raises(SaveError, match="cannot write below"):
        save_objects([scene_object(1)], request)
