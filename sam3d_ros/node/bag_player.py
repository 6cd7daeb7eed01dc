"""The node `bag_player`: plays a recording with /clock once its listeners are there; what launch files use."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import rclpy
from rclpy.utilities import remove_ros_args

from ..replay.bags.bag import Bag, BagError
from .player import BagPlayer
from .process import leave_on_signals

_STEP_S = 0.02


def main(arguments: Sequence[str] | None = None) -> int:
    """Play a bag over DDS; 0 when all of it was played, 2 for a bag or an option that cannot be used."""
    arguments = sys.argv if arguments is None else ["bag_player", *arguments]
    given = _parser().parse_args(remove_ros_args(arguments)[1:])
    leave_on_signals()
    try:
        with Bag(given.bag) as bag:
            return _play(bag, given, list(arguments))
    except (BagError, ValueError) as error:
        print(f"bag_player: {error}", file=sys.stderr)
        return 2


def _play(bag: Bag, given: argparse.Namespace, arguments: list[str]) -> int:
    rclpy.init(args=arguments)
    node = rclpy.create_node("bag_player")
    leave_on_signals()
    player = BagPlayer(node, bag, bag.topics, rate=given.rate)
    if _wait_for_listeners(player, given.wait_for, given.timeout):
        player.lead_in(time.sleep, timeout_s=given.timeout)
    else:
        node.get_logger().warning(f"nobody listens to {', '.join(given.wait_for)} after {given.timeout:g} s: playing")
    for _ in range(given.loop):
        player.play(lambda _message: None, time.sleep)
    node.get_logger().info("the recording has ended")
    node.destroy_node()
    rclpy.try_shutdown()
    return 0


def _wait_for_listeners(player: BagPlayer, topics: Sequence[str], timeout_s: float) -> bool:
    """Until somebody listens to each topic; the clock stands still meanwhile."""
    deadline = time.monotonic() + timeout_s
    while not player.has_listeners(topics):
        if time.monotonic() > deadline:
            return False
        player.tick(0.0)
        time.sleep(_STEP_S)
    return True


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bag_player", description=(__doc__ or "").split(":", 1)[1].strip())
    parser.add_argument("bag", type=Path, help=".mcap or .db3 file, or the folder of a recording")
    parser.add_argument("--rate", type=float, default=1.0, help="times the recorded speed")
    parser.add_argument("--loop", type=int, default=1, help="play the bag so many times")
    parser.add_argument("--wait-for", nargs="*", default=[], metavar="TOPIC", help="begin when these are listened to")
    parser.add_argument("--timeout", type=float, default=90.0, metavar="S", help="longest wait for listeners")
    return parser


if __name__ == "__main__":
    sys.exit(main())
