"""The scene in a browser: objects, depth and camera of a bag or of a running node. Imports no ROS."""
