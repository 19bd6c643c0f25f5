"""From a file to stored segments."""
