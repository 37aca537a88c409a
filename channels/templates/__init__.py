"""Message templates of WhatsApp: as people write them, their rules, and as Graph takes them."""
