"""EmbeddingGemma 2 on ONNX Runtime: text, pictures, sound and film in one space, without torch."""
