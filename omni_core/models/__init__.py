"""What runs inside the model worker: one process that holds every model."""
