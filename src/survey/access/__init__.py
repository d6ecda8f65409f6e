"""Who may do what: accounts, sign-in, roles, areas, audit."""
