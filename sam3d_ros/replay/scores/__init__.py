"""Results against the truth, object by object: shape, pose, steadiness."""
