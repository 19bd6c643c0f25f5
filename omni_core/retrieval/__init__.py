"""From scored points to moments: fusion, score thresholds, moments, reranking, dates. Pure."""
