-- Averages, their verdicts and what they were before.
-- depends: 0008_change_feed

SET lock_timeout = '4s';
