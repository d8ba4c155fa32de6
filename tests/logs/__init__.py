"""What containers write, and the documents that are to become of it."""
