"""What a reply promises, and whether anything supports it. No model, no network: every decision has a
reason."""
