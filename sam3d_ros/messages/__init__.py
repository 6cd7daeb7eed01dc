"""What the output messages say and how it lies in their bytes, without ROS: markers, reduced meshes, names of frames.

The node publishes it; the replay of bags writes it to files on machines that have no ROS.
"""
