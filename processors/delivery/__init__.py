"""From commands to outcomes: what the shell of the senders decides."""
