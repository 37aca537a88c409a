"""How commands reach a Redis server: connections that wait, batches, writes that wait for replicas."""
