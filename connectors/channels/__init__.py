"""The ways out to a person: one module a channel, each a sender by shape."""
