"""What the contact may tap: cards equal to rows of the price list, and choices a person would tap."""
