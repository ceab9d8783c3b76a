"""What is remembered of each person, and how facts change it. Pure."""
