"""HTTP client with bounded time and size, robots.txt, throttling and Retry-After."""
