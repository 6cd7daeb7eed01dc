"""Complete object meshes and 6-DoF poses from RGB-D frames and instance masks, for ROS 2 robots.

The core (`geometry`, `pipeline`, `tracking`, `replay`) imports no ROS; `node` is the ROS 2 shell around it.
"""

from pkgutil import extend_path

# The generated messages (sam3d_ros.msg, .srv, .action) are installed in a folder of their own when the package runs
# from an editable checkout: join the two halves. In a colcon install both lie in one folder, and this changes nothing.
__path__ = extend_path(__path__, __name__)

__version__ = "0.1.0"
