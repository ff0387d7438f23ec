"""Nouns and rules: what the week is made of and what follows from what. No clock, disk, network or dice."""
