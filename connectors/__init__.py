"""The world: what is sent to it, kept in it, asked of it. Knows `schemas`, never `processors`."""
