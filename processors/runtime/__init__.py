"""The batch runtime: batches of records to decisions, committed as one, on Kafka or in memory."""
