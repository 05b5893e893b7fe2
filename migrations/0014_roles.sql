-- What each group of processes may do with each relation, and how that is granted.
-- depends: 0013_reports

SET lock_timeout = '4s';
