"""Pictures for people: what went in, what came out, and how well both agree. Imports no ROS."""
