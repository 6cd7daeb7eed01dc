"""Instance masks by classical means, for cameras without a segmentation network. Imports no ROS."""
