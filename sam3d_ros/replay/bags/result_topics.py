"""Which topics hold results, and which ones the camera that belongs to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .bag import BagError, BagTopic
from .topics import Role, choose_topics, list_topics

OBJECTS_TYPE = "sam3d_ros/msg/ReconstructedObjectArray"
REJECTIONS_TYPE = "sam3d_ros/msg/RejectionArray"
CAMERA_ROLES = (Role.IMAGE, Role.CAMERA_INFO, Role.DEPTH, Role.POINTS, Role.MASK)


@dataclass(frozen=True, slots=True)
class CameraTopics:
    """What a cloud and a picture are made of; `depth` is a depth image or an organised cloud."""

    image: BagTopic
    camera_info: BagTopic
    depth: BagTopic
    mask: BagTopic | None = None  # tells the points of objects from those of the scene


@dataclass(frozen=True, slots=True)
class ResultTopics:
    """The topics of one node's results."""

    objects: BagTopic
    rejections: BagTopic | None


def find_results(
    topics: Sequence[BagTopic], *, namespace: str = "", option: str = "--namespace"
) -> ResultTopics | None:
    """The results in a bag, None where it has none; raises BagError where several nodes published some.

    `option` is what the command line calls the namespace.
    """
    found = [topic for topic in topics if topic.type == OBJECTS_TYPE and topic.count]
    if namespace:
        found = [topic for topic in found if topic.name == f"{namespace}/objects"]
        if not found:
            raise BagError(f"no results on {namespace}/objects ({option}); the bag has\n{list_topics(topics)}")
    if len(found) > 1:
        names = ", ".join(topic.name for topic in found)
        spaces = found[0].name.rsplit("/", 1)[0]
        raise BagError(f"results of several nodes: {names}; choose with {option} {spaces}")
    return ResultTopics(found[0], _rejections_beside(topics, found[0])) if found else None


def find_camera(topics: Sequence[BagTopic], given: Mapping[Role, str]) -> CameraTopics | str:
    """The camera's topics, or what is missing; raises BagError for what is unfit or ambiguous."""
    wanted = {role: name for role, name in given.items() if role in CAMERA_ROLES}
    chosen = choose_topics(topics, wanted, roles=CAMERA_ROLES)
    depth = chosen.get(Role.DEPTH) or chosen.get(Role.POINTS)
    image, camera_info = chosen.get(Role.IMAGE), chosen.get(Role.CAMERA_INFO)
    if image is None or camera_info is None or depth is None:
        parts = {"image": image, "camera_info": camera_info, "depth": depth}
        return ", ".join(name for name, topic in parts.items() if topic is None)
    return CameraTopics(image, camera_info, depth, chosen.get(Role.MASK))


def _rejections_beside(topics: Sequence[BagTopic], objects: BagTopic) -> BagTopic | None:
    space = objects.name.rsplit("/", 1)[0]
    named = (topic for topic in topics if topic.type == REJECTIONS_TYPE and topic.name.rsplit("/", 1)[0] == space)
    return next(named, None)
