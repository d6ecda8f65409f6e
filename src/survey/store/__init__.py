"""Database of the platform: tables, engine, transactions, migrations, audit chain and backups."""
