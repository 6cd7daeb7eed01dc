"""Bags and frame folders in, results and reports out. Imports no ROS."""
