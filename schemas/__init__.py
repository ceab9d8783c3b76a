"""What travels: events in, commands out, outcomes back, and the records that analysts read."""
