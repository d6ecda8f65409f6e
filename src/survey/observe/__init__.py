"""What an operator sees of a running process: its log, the numbers of requests, its metrics."""
