"""What marketers write: segments, lists, scores, triggers; parsed, checked, versioned. Pure."""
