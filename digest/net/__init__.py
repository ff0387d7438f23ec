"""Guarded HTTP to addresses that people typed."""
