-- Hours and days of plain PostgreSQL by arithmetic instead of by the calendar, which reads the name of a zone for every row.
-- depends: 0012_mail

SET lock_timeout = '4s';

-- Hours are the same in UTC and in UTC+7, and Việt Nam has had no daylight saving since 1975: days begin at 17:00 UTC. The
-- functions keep their arguments and columns; where TimescaleDB is, they read its aggregates and stay as they are.
DO $$
DECLARE
    relation text;
    step text;
    origin text;
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        RETURN;
    END IF;
    FOR relation, step, origin IN VALUES
        ('observation_hourly', '1 hour', '2000-01-01 00:00:00+00'), ('observation_daily', '1 day', '1999-12-31 17:00:00+00')
    LOOP
        EXECUTE format($sql$
            CREATE OR REPLACE FUNCTION %I (streams integer[], since timestamptz, until timestamptz)
            RETURNS TABLE (
                datastream_id integer, bucket timestamptz, received_n bigint, valid_n bigint, suspect_n bigint,
                result_min double precision, result_max double precision, result_mean double precision
            ) LANGUAGE sql STABLE AS %L
        $sql$, relation || '_between', format($sql$
            SELECT datastream_id,
                   date_bin(INTERVAL %L, phenomenon_time, TIMESTAMPTZ %L),
                   count(*),
                   count(*) FILTER (WHERE result_quality < 4),
                   count(*) FILTER (WHERE result_quality = 3),
                   min(result) FILTER (WHERE result_quality < 4),
                   max(result) FILTER (WHERE result_quality < 4),
                   avg(result) FILTER (WHERE result_quality < 4)
            FROM observation
            WHERE datastream_id = ANY (streams) AND phenomenon_time >= since AND phenomenon_time < until
            GROUP BY 1, 2
        $sql$, step, origin));
    END LOOP;
END
$$;
