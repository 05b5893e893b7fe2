-- Who is written to, when, and what waits to be sent.
-- depends: 0011_webhooks

SET lock_timeout = '4s';
