"""Fusion, score thresholds, moments, reranking, date phrases, metrics: pure functions, no I/O."""
