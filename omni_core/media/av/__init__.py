"""Video and audio through FFmpeg (PyAV): shots, audio windows, exact seeking, clips."""
