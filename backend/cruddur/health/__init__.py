"""Health checks of the load balancer and of operators."""
