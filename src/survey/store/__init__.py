"""Tables, engine, sessions and migrations: the only room that knows the database."""
