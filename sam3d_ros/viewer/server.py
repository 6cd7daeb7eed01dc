"""The web server of the page: viser on one address, or a clear reason why not."""

from __future__ import annotations

import contextlib
import errno
import io
import logging
import socket
from collections.abc import Iterator
from typing import Any

from .errors import ViewerError

TITLE = "sam3d_ros"
_BRAND = (30, 110, 190)


def import_viser() -> Any:
    """The module viser; raises ViewerError with the command to install it where it is missing."""
    try:
        import viser
    except ModuleNotFoundError as error:
        raise ViewerError(f"the viewer needs {error.name}: pip install 'sam3d_ros[view]'") from error
    return viser


@contextlib.contextmanager
def serve(host: str, port: int) -> Iterator[Any]:
    """A viser server on this address, port 0 for any free one; raises ViewerError where it cannot be had."""
    viser = import_viser()
    _check_address(host, port)
    # Browsers open connections ahead and close them unused, which is logged as an error with a traceback.
    logging.getLogger("websockets.server").setLevel(logging.CRITICAL)
    with _quiet():
        server = viser.ViserServer(host, port, label=TITLE, verbose=False)
    try:
        if port not in (0, server.get_port()):
            raise ViewerError(_taken(host, port))
        # The page has no button for it, yet any client could ask for a tunnel to a server on the internet.
        server.request_share_url = _share_nothing
        server.gui.configure_theme(show_share_button=False, show_logo=False, brand_color=_BRAND)
        yield server
    finally:
        with _quiet():
            server.stop()


def page_address(server: Any) -> str:
    """What to type into the browser on this machine."""
    host = server.get_host()
    name = "localhost" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    return f"http://{name}:{server.get_port()}"


def _check_address(host: str, port: int) -> None:
    """viser goes on to the next port where one is taken, and waits for ever where the host is not ours."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
            trial.listen()
    except socket.gaierror as error:
        raise ViewerError(f"--host {host} is no address: {error.strerror}") from error
    except OSError as error:
        raise ViewerError(_refusal(host, port, error)) from error


def _refusal(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return _taken(host, port)
    if error.errno == errno.EADDRNOTAVAIL:
        return f"--host {host} is no address of this machine; 127.0.0.1 is for this machine only, 0.0.0.0 for all"
    if error.errno == errno.EACCES:
        return f"--port {port} needs more rights; choose one from 1024 on"
    return f"no page can be served on {host}:{port}: {error.strerror}"


def _taken(host: str, port: int) -> str:
    return f"port {port} of {host} is taken, perhaps by another viewer; choose with --port, 0 for any that is free"


def _share_nothing(*_: object, **__: object) -> None:
    return None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """viser prints a box at its start and a line at its end; the command says what matters itself."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield
