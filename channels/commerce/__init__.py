"""Meta's Commerce catalogue, which WhatsApp shows products of."""
