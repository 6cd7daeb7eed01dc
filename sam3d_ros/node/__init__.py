"""The ROS 2 shell: the only room that imports rclpy. Thin: it decodes, hands over, builds messages, publishes."""
