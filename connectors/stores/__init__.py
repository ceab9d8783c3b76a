"""What senders keep in a database of their own: Postgres, or SQLite to begin with."""
