"""What is decided and said. Knows nothing of HTTP, WhatsApp or queues."""
