"""`python -m digest` is the same door as the `digest` command."""

from digest.cli.main import run

run()
