"""Hostile calls of every argument there is, and clients that send them byte by byte."""
