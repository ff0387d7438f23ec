"""Storage: one schema, one module per noun, every database error wrapped at this edge."""
