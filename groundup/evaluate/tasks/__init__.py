"""The tasks that come with the house: Python files for those with rules of their own, TOML files for rows of choices."""
