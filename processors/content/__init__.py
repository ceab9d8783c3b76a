"""What messages say: templates, persons and runs come together to messages."""
