"""The stages of training, one objective each."""
