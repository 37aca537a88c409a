"""The operator API of what only WhatsApp has: forms, message templates."""
