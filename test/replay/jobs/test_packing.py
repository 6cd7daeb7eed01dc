"""A folder as bytes and back: the same files, and nothing outside the folder."""

from __future__ import annotations

import io
import tarfile

import pytest

from sam3d_ros.replay.jobs.packing import PackingError, pack, unpack


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    (folder / "a" / "empty").mkdir(parents=True)
    (folder / "a" / "größe.bin").write_bytes(bytes(range(256)))
    (folder / ("x" * 150)).write_bytes(b"")
    return folder


@pytest.fixture
def target(tmp_path):
    folder = tmp_path / "inner" / "target"
    folder.mkdir(parents=True)
    return folder


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")
    }


def archive(name: str, kind: bytes = tarfile.REGTYPE) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, "/etc/hostname"
        tar.addfile(member, io.BytesIO(b""))
    return buffer.getvalue()


def test_the_same_files_and_folders_come_out(source, target):
    unpack(pack(source), target)
    assert contents(target) == contents(source)
    assert len(contents(target)) == 4


def test_an_empty_folder_travels(tmp_path, target):
    (tmp_path / "nothing").mkdir()
    unpack(pack(tmp_path / "nothing"), target)
    assert contents(target) == {}


@pytest.mark.parametrize("name", ["../out.txt", "a/../../out.txt", "/tmp/sam3d_ros_out.txt", ".."])
def test_nothing_is_unpacked_outside_the_folder(tmp_path, target, name):
    with pytest.raises(PackingError, match="inside the results"):
        unpack(archive(name), target)
    assert list(tmp_path.rglob("*out.txt")) == []


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_are_not_unpacked(target, kind):
    with pytest.raises(PackingError, match="'thing' is no plain file or folder"):
        unpack(archive("thing", kind), target)
    assert contents(target) == {}


def test_links_are_not_packed(source):
    (source / "link").symlink_to("a")
    with pytest.raises(PackingError, match="link is neither file nor folder"):
        pack(source)
