"""What operators see: logs, metrics and traces. A tool call is observed in one place, `calls`."""
