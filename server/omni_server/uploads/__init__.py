"""Files that clients send: stored durably, resumable, within a quota."""
