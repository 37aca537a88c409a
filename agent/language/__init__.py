"""What the agent knows of human languages: which one a text is in, what people mean by their words, and what
it says of itself."""
