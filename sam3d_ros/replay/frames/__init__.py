"""Frames from files, frame folders and scenes of BOP datasets, and the results of a frame as files."""
