"""Learning from people: what they answered and corrected becomes suggestions, which a person accepts."""
