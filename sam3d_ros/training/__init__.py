"""Synthetic scenes, later the training stages. Imports no ROS."""
