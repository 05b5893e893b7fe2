-- Webhook endpoints, their secrets, and the deliveries to them.
-- depends: 0010_alerts

SET lock_timeout = '4s';
