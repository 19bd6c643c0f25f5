"""Opens a reference: its words, images, audio and clips."""
