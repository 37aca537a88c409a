"""What can be sent and what comes back, one model a type, with WhatsApp's limits; each as plain text too."""
