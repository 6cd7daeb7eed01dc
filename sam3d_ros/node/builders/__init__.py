"""Message builders: pure functions from the scene to ROS messages, one output a file.

Import them from their modules. Nothing is imported here, so that `cdr` and `marker_data`, which need no ROS, stay free
of it.
"""
