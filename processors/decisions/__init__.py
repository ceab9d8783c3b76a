"""From a definition set, a profile and a stimulus to what is to happen. Pure."""
