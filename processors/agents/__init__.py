"""The Kafka shell: Faust apps, and one agent a file."""
