"""Which topics of a bag are the inputs: given by the user, or found by type and name."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from .bag import BagError, BagTopic

IMAGES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")
CLOUD = "sensor_msgs/msg/PointCloud2"
TF_TOPICS = ("/tf", "/tf_static")


class Role(str, Enum):
    """The inputs, by the names that the node's topics have."""

    IMAGE = "image"
    CAMERA_INFO = "camera_info"
    DEPTH = "depth"
    POINTS = "points"
    MASK = "mask"
    DETECTIONS = "detections"


TYPES: dict[Role, tuple[str, ...]] = {
    Role.IMAGE: IMAGES,
    Role.CAMERA_INFO: ("sensor_msgs/msg/CameraInfo",),
    Role.DEPTH: IMAGES,
    Role.POINTS: (CLOUD,),
    Role.MASK: IMAGES,
    Role.DETECTIONS: ("vision_msgs/msg/Detection2DArray",),
}
# Words in a topic's name that tell what an image shows.
_MASK_WORDS = ("mask", "label", "segment", "instance")
_DEPTH_WORDS = ("depth", "disparity")
_COLOR_WORDS = ("color", "colour", "rgb", "image", "left")
_NOT_INPUT = ("infra", "theora", "/sam3d/")


@dataclass(frozen=True, slots=True)
class InputTopics:
    """The topic of each input; either `depth` or `points` is there."""

    image: BagTopic
    camera_info: BagTopic
    mask: BagTopic
    depth: BagTopic | None = None
    points: BagTopic | None = None
    detections: BagTopic | None = None

    def by_role(self) -> dict[Role, BagTopic]:
        """The inputs that are there."""
        found = {role: getattr(self, role.value) for role in Role}
        return {role: topic for role, topic in found.items() if topic is not None}


def find_inputs(topics: Sequence[BagTopic], given: Mapping[Role, str]) -> InputTopics:
    """The inputs of a bag; raises BagError, with all topics listed, for what is missing, unfit or ambiguous."""
    chosen = choose_topics(topics, given)
    _require(topics, chosen)
    return InputTopics(**{role.value: topic for role, topic in chosen.items()})


def choose_topics(
    topics: Sequence[BagTopic], given: Mapping[Role, str], *, roles: Collection[Role] = tuple(Role)
) -> dict[Role, BagTopic]:
    """Those of the inputs that are there; raises BagError, with all topics listed, for what is unfit or ambiguous."""
    chosen = {role: _given(topics, role, name) for role, name in given.items()}
    for role in (Role.MASK, Role.DEPTH, Role.POINTS, Role.IMAGE):
        if (
            role in chosen
            or role not in roles
            or (role is Role.POINTS and Role.DEPTH in chosen)
            or (role is Role.DEPTH and Role.POINTS in chosen)
        ):
            continue
        found = _only(topics, role, _candidates(topics, role, chosen))
        if found is not None:
            chosen[role] = found
    for role in (Role.CAMERA_INFO, Role.DETECTIONS):
        if role in chosen or role not in roles:
            continue
        found = _only(topics, role, _beside(topics, role, chosen.get(Role.IMAGE)))
        if found is not None:
            chosen[role] = found
    return chosen


def list_topics(topics: Sequence[BagTopic]) -> str:
    """All topics with type and count, one a line."""
    width = max((len(topic.name) for topic in topics), default=0)
    return "\n".join(f"  {topic.name.ljust(width)}  {topic.type}  {topic.count} messages" for topic in topics)


def _given(topics: Sequence[BagTopic], role: Role, name: str) -> BagTopic:
    found = next((topic for topic in topics if topic.name == name), None)
    if found is None:
        raise BagError(f"there is no topic {name} for {role.value}; the topics are\n{list_topics(topics)}")
    if found.type not in TYPES[role]:
        raise BagError(f"{name} is a {found.type}, but {role.value} must be a {' or '.join(TYPES[role])}")
    return found


def _candidates(topics: Sequence[BagTopic], role: Role, chosen: Mapping[Role, BagTopic]) -> list[BagTopic]:
    """Topics of a fitting type whose name speaks for this role and not for another one."""
    fitting = [topic for topic in topics if topic.type in TYPES[role] and topic.count and topic not in chosen.values()]
    fitting = [topic for topic in fitting if not _says(topic, _NOT_INPUT)]
    if role is Role.MASK:
        return [topic for topic in fitting if _says(topic, _MASK_WORDS)]
    if role is Role.DEPTH:
        named = [topic for topic in fitting if _says(topic, _DEPTH_WORDS) and not _says(topic, _MASK_WORDS)]
        return _preferred(named, "aligned")
    if role is Role.POINTS:
        return fitting
    color = [topic for topic in fitting if _says(topic, _COLOR_WORDS)]
    return _preferred([topic for topic in color if not _says(topic, (*_MASK_WORDS, *_DEPTH_WORDS))], "rect")


def _preferred(topics: list[BagTopic], word: str) -> list[BagTopic]:
    """Those with the word, where there are any; raw images before compressed ones of the same name."""
    best = [topic for topic in topics if word in topic.name.lower()] or topics
    raw = {topic.name for topic in best if topic.type == IMAGES[0]}
    return [topic for topic in best if topic.type == IMAGES[0] or topic.name.rsplit("/", 1)[0] not in raw]


def _beside(topics: Sequence[BagTopic], role: Role, image: BagTopic | None) -> list[BagTopic]:
    """Topics of the role's type; those in the image's namespace where there are any."""
    fitting = [topic for topic in topics if topic.type in TYPES[role] and topic.count]
    if image is None:
        return fitting
    folder = image.name.rsplit("/", 2 if image.type == IMAGES[1] else 1)[0]
    return [topic for topic in fitting if topic.name.rsplit("/", 1)[0] == folder] or fitting


def _says(topic: BagTopic, words: Sequence[str]) -> bool:
    return any(word in topic.name.lower() for word in words)


def _only(topics: Sequence[BagTopic], role: Role, found: list[BagTopic]) -> BagTopic | None:
    if len(found) > 1:
        names = ", ".join(topic.name for topic in found)
        raise BagError(
            f"{role.value} could be {names}: choose with --topics {role.value}:=NAME; the topics are\n"
            + list_topics(topics)
        )
    return found[0] if found else None


def _require(topics: Sequence[BagTopic], chosen: Mapping[Role, BagTopic]) -> None:
    needed = [role.value for role in (Role.IMAGE, Role.CAMERA_INFO, Role.MASK) if role not in chosen]
    if Role.DEPTH not in chosen and Role.POINTS not in chosen:
        needed.append("depth")
    if needed:
        raise BagError(
            f"no topic was found for {', '.join(needed)}: name it with --topics {needed[0]}:=NAME; the topics are\n"
            + list_topics(topics)
        )
