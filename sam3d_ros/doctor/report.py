"""The examination as text for people and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from itertools import groupby

from .examination import Examination
from .finding import Finding, State

_MARKS = {State.OK: "ok", State.OPTIONAL: "--", State.MISSING: "!!"}
_COLORS = {State.OK: "32", State.OPTIONAL: "33", State.MISSING: "31;1"}


def as_text(examination: Examination, *, color: bool = False) -> str:
    """Aligned lines by group, the command under what is missing, and the verdict at the end."""
    width = max(len(finding.name) for finding in examination.findings)
    lines: list[str] = []
    for group, findings in groupby(examination.findings, key=lambda finding: finding.group):
        lines += ["", group, *_group_lines(tuple(findings), width, color)]
    return "\n".join([*lines[1:], "", *_verdict(examination, color)])


def as_json(examination: Examination) -> str:
    """`works`, and every finding with its group, name, state, detail and remedy."""
    findings = [{**asdict(finding), "state": finding.state.value} for finding in examination.findings]
    return json.dumps({"works": not examination.missing, "findings": findings}, indent=2)


def _group_lines(findings: tuple[Finding, ...], width: int, color: bool) -> Iterator[str]:
    """One line per finding, and the command below; a command that several in a row share is said once, after them."""
    following = (*(finding.remedy for finding in findings[1:]), "")
    for finding, next_remedy in zip(findings, following, strict=True):
        yield f"  {_painted(_MARKS[finding.state], finding.state, color)}  {finding.name:<{width}}  {finding.detail}"
        if finding.remedy and finding.remedy != next_remedy:
            yield f"      {'':<{width}}  -> {finding.remedy}"


def _verdict(examination: Examination, color: bool) -> Iterator[str]:
    if not examination.missing:
        yield _painted("Everything that the node needs is there.", State.OK, color)
        return
    names = ", ".join(dict.fromkeys(finding.name for finding in examination.missing))
    yield _painted(f"The node cannot run: {names}.", State.MISSING, color)
    yield from dict.fromkeys(f"  {finding.remedy}" for finding in examination.missing if finding.remedy)


def _painted(text: str, state: State, color: bool) -> str:
    return f"\x1b[{_COLORS[state]}m{text}\x1b[0m" if color else text
