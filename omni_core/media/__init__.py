"""Media: from a file to segments, and back to its frames, pages, clips and audio."""
