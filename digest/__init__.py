"""A weekly digest email for employee advocacy: colleagues first, one click to share, nobody watched."""

__version__ = "0.1.0"
