"""The commands about prices of WhatsApp messages."""
