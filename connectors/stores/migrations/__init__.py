"""What brings a senders' database from any state to the present one, step by step."""
