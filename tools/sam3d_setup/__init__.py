"""The automatic set-up: what is there (`machine`), what to do (`plan`), doing it (`actions`), and not twice (`stamps`).

Standard library only: it runs before anything is installed.
"""
