"""Video and audio through FFmpeg (PyAV): shots, sound windows, exact seeking, clips."""
