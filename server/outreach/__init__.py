"""What the bot writes without being asked, and when it may: follow-ups, appointments, consent."""
