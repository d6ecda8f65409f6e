"""Review page: filtered queue, one interview, decisions, and late interviews."""
