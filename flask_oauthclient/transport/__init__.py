"""How a request is sent, and nothing else."""
