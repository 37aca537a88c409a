"""What WhatsApp charges for messages: expected when one goes out, and put right by what a status says."""
