"""Doors for people at a terminal: parse, call one stage, print, exit."""
