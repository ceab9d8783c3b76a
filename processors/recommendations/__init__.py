"""What is recommended to people: events to counts, and counts to lists that templates see."""
