"""Arguments and steps that the verbs for bags share."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from ..pipeline.backends import create_backend
from ..pipeline.model_options import OptionsError
from ..replay.bags.topics import InputTopics, Role
from ..tracking.tracker import SceneTracker
from . import UsageError
from .model_arguments import model_options

TOPICS_HELP = f"inputs that are not found by themselves; roles: {', '.join(role.value for role in Role)}"


def given_topics(texts: Iterable[str]) -> dict[Role, str]:
    """Topics by role of `ROLE:=TOPIC`; raises UsageError for anything else."""
    return dict(_given(text) for text in texts)


def say_inputs(inputs: InputTopics) -> None:
    """Print which topic is which input."""
    for role, topic in inputs.by_role().items():
        print(f"{role.value.ljust(12)} {topic.name}  ({topic.count} messages)")


def loaded_tracker(arguments: argparse.Namespace) -> SceneTracker:
    """A tracker with its model loaded; raises UsageError where the weights cannot be used."""
    model = model_options(arguments)
    try:
        tracker = SceneTracker(create_backend(arguments.backend, seed=arguments.seed, model=model))
        tracker.load()
    except OptionsError as error:
        raise UsageError(str(error)) from error
    return tracker


def _given(text: str) -> tuple[Role, str]:
    role, separator, topic = text.partition(":=")
    roles = {item.value: item for item in Role}
    if not separator or role not in roles or not topic:
        raise UsageError(f"--topics {text}: write ROLE:=TOPIC with a role of {', '.join(roles)}")
    return roles[role], topic
