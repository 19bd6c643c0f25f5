"""What an agent opens and pastes: citations, snippets, quotes, images, audio, clip files."""
