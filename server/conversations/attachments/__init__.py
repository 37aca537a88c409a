"""Files of messages: those that contacts send, and those that people at the business do."""
