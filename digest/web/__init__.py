"""Doors for browsers: links pressed in a message, short links in shared posts, pages for employees."""
