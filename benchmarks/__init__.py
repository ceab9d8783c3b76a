"""What Beckon costs: speed, latency, memory and restore on a real Kafka. Not shipped."""
