"""Stand-ins for message_filters, tf2_ros and diagnostic_updater, which PyPI does not have.

They offer the part of the real interfaces that this package uses, under the same names. `node.compat` takes them only
where the real package cannot be imported.
"""
