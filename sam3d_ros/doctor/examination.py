"""The whole examination: every finding, and whether the main job works."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import util

from .finding import Finding, State
from .ros import MESSAGES, extra_findings, ros_findings
from .route import Route, RouteKind, find_route
from .system import (
    extra_package_findings,
    machine_findings,
    open3d_findings,
    package_findings,
    torch_findings,
)
from .trial import try_all


@dataclass(frozen=True, slots=True)
class Examination:
    """All findings, in the order of the report."""

    findings: tuple[Finding, ...]

    @property
    def missing(self) -> tuple[Finding, ...]:
        """What keeps the main job from working."""
        return tuple(finding for finding in self.findings if finding.state is State.MISSING)


def examine(route: Route | None = None) -> Examination:
    """Look at everything; what decides is really imported, in processes of its own."""
    route = route or find_route()
    trials = try_all(_trial_names(route))
    return Examination(
        (
            *machine_findings(),
            *open3d_findings(trials["open3d"], route),
            *package_findings(route),
            *torch_findings(trials.get("torch"), route),
            *ros_findings(route, trials),
            *extra_findings(route),
            *extra_package_findings(route),
        )
    )


def _trial_names(route: Route) -> tuple[str, ...]:
    names = ["open3d"]
    if util.find_spec("torch"):
        names.append("torch")
    if route.kind is not RouteKind.NONE:
        names += ["rclpy", *MESSAGES]
    return tuple(names)
