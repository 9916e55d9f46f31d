"""Users, and changes of their own profile."""
