"""The HTTP API of Cruddur, a microblog."""
