"""Where the page is served, and what is said where it cannot be."""

from __future__ import annotations

import socket
import sys
import urllib.request

import pytest

from sam3d_ros.viewer.errors import ViewerError
from sam3d_ros.viewer.server import import_viser, page_address, serve


def test_the_page_is_there_on_this_machine_only_and_says_nothing_itself(server, capfd):
    address = page_address(server)
    assert address == f"http://127.0.0.1:{server.get_port()}"
    with urllib.request.urlopen(address) as answer:
        assert b"<html" in answer.read()
    assert capfd.readouterr() == ("", "")


def test_no_client_can_have_the_page_shared_on_the_internet(server):
    assert server.request_share_url() is None
    assert server._share_tunnel is None


def test_a_taken_port_is_an_error_and_not_another_port():
    pytest.importorskip("viser")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ViewerError, match=f"port {port} of 127.0.0.1 is taken"), serve("127.0.0.1", port):
            pass


@pytest.mark.parametrize(
    ("host", "words"), [("192.0.2.1", "no address of this machine"), ("no.such.host.invalid", "is no address")]
)
def test_a_host_that_is_not_ours_is_an_error(host, words):
    pytest.importorskip("viser")
    with pytest.raises(ViewerError, match=words), serve(host, 0):
        pass


def test_without_viser_the_command_to_install_it_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "viser", None)
    with pytest.raises(ViewerError, match=r"pip install 'sam3d_ros\[view\]'"):
        import_viser()
