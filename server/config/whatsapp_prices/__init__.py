"""What WhatsApp charges for a message: Meta's rate card, prices of an owner's own, the market of a number."""
