"""The store under damage, kills and a full disk: commands that anyone can run."""
