"""A small store of objects, made once."""

from __future__ import annotations

import pytest

from sam3d_ros.training.data.store import ObjectJob, ObjectStore, build_objects

FAMILIES = ("mug", "toy_car", "carton", "apple")


@pytest.fixture(scope="session")
def object_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("objects")
    jobs = [ObjectJob(f"{family}_00000", family, 0) for family in FAMILIES]
    assert build_objects(folder, jobs, workers=1, progress=False) == []
    return folder


@pytest.fixture(scope="session")
def store(object_folder):
    return ObjectStore(object_folder)
