"""The web process: webhooks in, pages and simulator out, and what stands guard in front of them."""
