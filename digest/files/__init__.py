"""Files that people edit, read with their line numbers kept: values and problems, never the first problem alone."""
