"""The way of a message: from the provider into a conversation's inbox, through its turn, and out again."""
