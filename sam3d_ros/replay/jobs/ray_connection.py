"""Joining a Ray cluster, or starting one on this machine: within a bounded time, and no process stays behind."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .job import JobsError

_PATIENCE_S = 5.0
_LONGEST_TEXT = 300  # of Ray's own words in ours
_LOCAL, _RUNNING, _CLIENT = "local", "auto", "ray://"
# The first bytes of an HTTP/2 connection, on which gRPC and so Ray is built: the preface and empty settings.
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
_SETTINGS = 4


def import_ray() -> Any:
    """The package ray, which sends no usage statistics. Raises JobsError where it is not installed."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        import ray
    except ImportError as error:
        raise JobsError(f"{error}; install the Ray extra: pip install 'sam3d_ros[ray]'") from error
    return ray


@contextmanager
def connected(ray: Any, address: str, local_cpus: int | None) -> Iterator[None]:
    """Ray as a client of `address` inside the block, and shut down after it.

    `local` starts a cluster on this machine, which ends with the block, with `local_cpus` processors (None: all);
    `auto` joins the one that runs here; `host:6379` joins as a machine of that cluster, `ray://host:10001` as a guest.
    Raises JobsError where nothing answers.
    """
    if ray.is_initialized():
        raise JobsError("Ray is in use in this process already; call ray.shutdown() first")
    try:
        _connect(ray, address, local_cpus)
        yield
    except (ConnectionError, ray.exceptions.RaySystemError) as error:
        raise JobsError(f"the connection to Ray at {address} was lost: {_one_line(error)}") from error
    finally:
        ray.shutdown()


def _connect(ray: Any, address: str, local_cpus: int | None) -> None:
    options = {"include_dashboard": False, "num_cpus": local_cpus} if address == _LOCAL else {}
    try:
        if address == _LOCAL:
            _make_token()
        if address == _RUNNING:
            address = ray._private.services.get_ray_address_from_environment(address, None)
        if address != _LOCAL:
            _require_answer(address)
        with _own_sigterm():
            ray.init(address=address, log_to_driver=False, logging_level=logging.WARNING, **options)
    except (ConnectionError, RuntimeError, TimeoutError) as error:
        raise JobsError(f"cannot join Ray at {address}: {_one_line(error)}") from error


def _make_token() -> None:
    """Let only this process into the cluster that it starts; Ray would store a token in the home folder."""
    if "RAY_AUTH_TOKEN_PATH" not in os.environ:
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))


def _one_line(error: Exception) -> str:
    return textwrap.shorten(str(error), _LONGEST_TEXT, placeholder=" ...") or type(error).__name__


def _require_answer(address: str) -> None:
    """Raise JobsError where no Ray listens: Ray itself would try for minutes."""
    host, colon, port = address.removeprefix(_CLIENT).rpartition(":")
    if not colon or not host or not port.isdecimal():
        raise JobsError(
            f"{address!r} is no address of a Ray cluster; give local, auto, HOST:PORT (usually 6379) "
            f"or ray://HOST:PORT (usually 10001)"
        )
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _PATIENCE_S) as connection:
            reply = _first_reply(connection)
    except (OSError, OverflowError) as error:
        raise JobsError(f"nothing answers at {address} ({error}); is Ray running there, and the port open?") from error
    if len(reply) < len(_PREFACE[-9:]) or reply[3] != _SETTINGS:
        raise JobsError(f"what answers at {address} is not Ray; give the port that `ray start` names")


def _first_reply(connection: socket.socket) -> bytes:
    if os.environ.get("RAY_USE_TLS") == "1":
        return _PREFACE[-9:]  # encrypted: that somebody listens must do
    connection.sendall(_PREFACE)
    return connection.recv(9)


@contextmanager
def _own_sigterm() -> Iterator[None]:
    """Keep the handler of SIGTERM that the program has set; Ray replaces it."""
    handler = signal.getsignal(signal.SIGTERM)
    yield
    if callable(handler) and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handler)
