"""The HTTP contract as one ASGI app: bodies, cookies, refusals and routes."""
