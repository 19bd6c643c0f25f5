"""From a question's hits to moments: when, fuse, floor, moments, rerank; pure functions."""
