"""What is sent: messages to queues, those that failed, and notices."""
