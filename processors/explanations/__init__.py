"""Why a person is in a segment or not, has a score, was sent something or not."""
