"""From a question to cited moments."""
