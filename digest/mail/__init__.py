"""From an edition's words to bytes on the wire: render once, inline once, cut, encode, fill in many times."""
