"""What people do to a running system: make its topics, publish to it, feed it."""
