"""What is known to be true of objects, and which mask shows them."""
