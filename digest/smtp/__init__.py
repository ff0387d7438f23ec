"""One SMTP conversation that always knows whether the final dot was written."""
