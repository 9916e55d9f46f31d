"""Resources, policies and names that several stacks share."""
