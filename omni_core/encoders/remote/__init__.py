"""Models on another machine: client, wire format and server of our own worker, and vLLM."""
