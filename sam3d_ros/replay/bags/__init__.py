"""Bags in and out without ROS: messages, topics, matched frames, results as a bag."""
