"""Evidence for an answer: citations, snippets, quote checks, images, audio, clip files."""
