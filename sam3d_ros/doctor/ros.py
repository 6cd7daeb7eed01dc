"""Findings about ROS 2: the route, the middleware, the messages, and what a distribution adds."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import util

from .finding import Finding, State
from .route import Route, RouteKind
from .trial import Trial

GROUP = "ROS 2"


@dataclass(frozen=True, slots=True)
class Extra:
    """An optional package: what it is for (nothing: not used here), and what happens without it."""

    module: str
    use: str
    without: str
    package: str = ""

    @property
    def distribution_package(self) -> str:
        """Its name in a distribution."""
        return self.package or self.module


EXTRAS = (
    Extra("message_filters", "matching of inputs", "the built-in stand-in is used"),
    Extra("tf2_ros", "transforms", "the built-in stand-in is used"),
    Extra("diagnostic_updater", "diagnostics", "the built-in stand-in is used"),
    Extra("launch", "launch files", "start sam3d_node by hand"),
    Extra("launch_ros", "launch files", "start sam3d_node by hand"),
    Extra("launch_pytest", "launch tests", "the same tests run with plain processes"),
    Extra("moveit_msgs", "~/collision_objects", "that topic is not offered"),
    Extra("cv_bridge", "", "not needed: images are decoded with NumPy"),
    Extra("rosbag2_py", "", "not needed: bags are read and written with rosbags"),
)
COMMANDS = (
    Extra("ros2", "ros2 run, launch, topic", "use sam3d-ros", "ros2cli"),
    Extra("rviz2", "looking at markers and TF", "`sam3d-ros view --ros` shows them in a browser"),
)
MESSAGES = ("sam3d_ros messages", "tf2_msgs", "vision_msgs")


def ros_findings(
    route: Route, trials: Mapping[str, Trial], environment: Mapping[str, str] = os.environ
) -> Iterator[Finding]:
    """All about ROS 2, in the order in which one thing needs the other."""
    yield route_finding(route)
    rclpy = trials.get("rclpy")
    if rclpy is None or not rclpy.worked:
        detail = rclpy.error if rclpy else "not installed"
        yield Finding(GROUP, "rclpy", State.MISSING, detail, route.set_up())
        return
    yield Finding(GROUP, "rclpy", State.OK, "imports")
    yield Finding(GROUP, "middleware", State.OK, rclpy.answer["rmw"])
    yield Finding(GROUP, "domain", State.OK, _domain(environment))
    for name in MESSAGES:
        trial = trials[name]
        if trial.worked:
            yield Finding(GROUP, name, State.OK, trial.answer["from"].rsplit("/msg/", 1)[0])
        else:
            yield Finding(GROUP, name, State.MISSING, trial.error, _message_remedy(name, route))


def route_finding(route: Route) -> Finding:
    """Where ROS 2 comes from."""
    if route.kind is RouteKind.NONE:
        detail = "no rclpy: the node cannot run; `reconstruct`, `evaluate` and `replay` without --ros can"
        return Finding(GROUP, "route", State.MISSING, detail, route.set_up())
    if route.kind is RouteKind.PYPI:
        return Finding(GROUP, "route", State.OK, "rclpy and Fast DDS from PyPI, no ROS 2 distribution")
    return Finding(GROUP, "route", State.OK, f"distribution {route.distribution or '(ROS_DISTRO is not set)'}")


def extra_findings(route: Route) -> Iterator[Finding]:
    """Optional packages and commands, found without importing them."""
    for extra in EXTRAS:
        yield _extra(extra, is_importable(extra.module), route)
    for extra in COMMANDS:
        yield _extra(extra, shutil.which(extra.module) is not None, route)


def is_importable(module: str) -> bool:
    """Whether there is such a module; a mere folder of that name on the path (a checkout's `launch`) is none."""
    spec = util.find_spec(module)
    return spec is not None and spec.origin is not None


def _extra(extra: Extra, present: bool, route: Route) -> Finding:
    if present:
        return Finding("Optional", extra.module, State.OK, f"for {extra.use}" if extra.use else "not used here")
    if not extra.use:
        return Finding("Optional", extra.module, State.OPTIONAL, extra.without)
    detail = f"not installed, for {extra.use}: {extra.without}"
    return Finding("Optional", extra.module, State.OPTIONAL, detail, route.apt(extra.distribution_package))


def _message_remedy(name: str, route: Route) -> str:
    if name == MESSAGES[0] or route.kind is not RouteKind.DISTRIBUTION:
        return route.messages()
    return route.apt(name)


def _domain(environment: Mapping[str, str]) -> str:
    domain = environment.get("ROS_DOMAIN_ID", "0")
    reach = environment.get("ROS_AUTOMATIC_DISCOVERY_RANGE") or (
        "LOCALHOST" if environment.get("ROS_LOCALHOST_ONLY") == "1" else "SUBNET"
    )
    return f"ROS_DOMAIN_ID {domain}, discovery {reach}"
