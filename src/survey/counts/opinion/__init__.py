"""Opinion monitoring: daily counts by channel and sentiment, topics, and windows of an event."""
