"""From a reference to its words, images, audio and clips."""
