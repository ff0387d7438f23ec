"""The demo: an invented company's whole week with real parts, an SMTP server to catch it and a browser's view of every inbox."""
