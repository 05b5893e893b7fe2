-- Reading evidence back: receipts by time, whatever their station, and what a replay made.
-- depends: 0003_physical_design

SET lock_timeout = '4s';

CREATE INDEX receipt_time ON receipt (received_time DESC, id DESC);
CREATE INDEX quarantine_resolved_receipt ON quarantine (resolved_receipt_id) WHERE resolved_receipt_id IS NOT NULL;
