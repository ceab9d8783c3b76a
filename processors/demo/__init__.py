"""`beckon demo`: the whole flow in one process, on an embedded broker, with made-up traffic."""
