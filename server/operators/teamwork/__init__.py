"""Working as a team: whose a conversation is, what people at the business say of it among themselves, and the
replies they keep at hand."""
