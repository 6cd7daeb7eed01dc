"""Message builders: pure functions from the scene to ROS messages, one output a file."""
