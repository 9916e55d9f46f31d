"""The backend of Cruddur."""
