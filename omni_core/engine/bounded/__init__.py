"""An engine that shows some collections of a library alone."""
