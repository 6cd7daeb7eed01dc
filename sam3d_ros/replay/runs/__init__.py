"""Runs from input to results: a frame, a bag in this process or through the node, an evaluation of many."""
