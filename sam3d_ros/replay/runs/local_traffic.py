"""Settings of the middleware for a replay on one machine; they count for processes that start DDS afterwards."""

from __future__ import annotations

import os
from pathlib import Path

# Fast DDS shares 512 kB between all topics of a process by default: one image fills it, and what does not fit is lost,
# or comes seconds later where the topic is reliable.
_FAST_DDS_PROFILE = """<?xml version="1.0" encoding="UTF-8"?>
<profiles xmlns="http://www.eprosima.com">
  <transport_descriptors>
    <transport_descriptor>
      <transport_id>large_shared_memory</transport_id>
      <type>SHM</type>
      <segment_size>33554432</segment_size>
      <maxMessageSize>8388608</maxMessageSize>
    </transport_descriptor>
    <transport_descriptor>
      <transport_id>udp</transport_id>
      <type>UDPv4</type>
    </transport_descriptor>
  </transport_descriptors>
  <participant profile_name="large_images" is_default_profile="true">
    <rtps>
      <userTransports>
        <transport_id>large_shared_memory</transport_id>
        <transport_id>udp</transport_id>
      </userTransports>
      <useBuiltinTransports>false</useBuiltinTransports>
    </rtps>
  </participant>
</profiles>
"""


def keep_local(folder: Path) -> None:
    """Keep the traffic on this machine and give Fast DDS room for images, unless the user has said otherwise.

    The profile of Fast DDS is written into `folder`; other middlewares do not read it.
    """
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    if os.environ.get("ROS_DISTRO") == "humble":
        os.environ.setdefault("ROS_LOCALHOST_ONLY", "1")
    prefix = "FASTRTPS" if os.environ.get("ROS_DISTRO") == "humble" else "FASTDDS"
    name = f"{prefix}_DEFAULT_PROFILES_FILE"
    if name not in os.environ:
        folder.mkdir(parents=True, exist_ok=True)
        profile = folder.resolve() / "fastdds.xml"
        profile.write_text(_FAST_DDS_PROFILE, encoding="utf-8")
        os.environ[name] = str(profile)
