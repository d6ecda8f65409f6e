"""What a response weighs on PostgreSQL, and what parts by wave are worth."""
