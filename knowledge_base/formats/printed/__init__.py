"""What stands where on a printed page: lines, tables, price lists side by side."""
