-- Reading a station's own quarantine and conflicts, newest first, however much the others have.
-- depends: 0006_mqtt

SET lock_timeout = '4s';

CREATE INDEX quarantine_station ON quarantine (station_id, received_time DESC, id DESC);
CREATE INDEX reading_conflict_datastream ON reading_conflict (datastream_id, received_time DESC, id DESC);
