"""What is kept of a contact beyond the working memory of a conversation."""
