"""What an agent opens and pastes: citations, quotes, pictures, sound, clip files."""
