-- Buckets of some datastreams over a span, with the same name and columns on TimescaleDB and plain PostgreSQL.
-- depends: 0004_evidence

SET lock_timeout = '4s';

-- A plain view cannot use the index on phenomenon_time for a condition on its buckets and would read the whole history of a
-- datastream; these functions take the span as arguments. `since` and `until` are starts of buckets, the end excluded. They
-- are plain SQL, so the planner sees through them.
DO $$
DECLARE
    aggregated boolean := EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb');
    unit text;
    relation text;
    zone text;
    body text;
BEGIN
    FOR unit, relation, zone IN VALUES ('hour', 'observation_hourly', 'UTC'), ('day', 'observation_daily', 'Asia/Ho_Chi_Minh') LOOP
        IF aggregated THEN
            body := format($sql$
                SELECT datastream_id, bucket, received_n, valid_n, suspect_n, result_min, result_max, result_mean
                FROM %I
                WHERE datastream_id = ANY (streams) AND bucket >= since AND bucket < until
            $sql$, relation);
        ELSE
            body := format($sql$
                SELECT datastream_id,
                       date_trunc(%L, phenomenon_time, %L),
                       count(*),
                       count(*) FILTER (WHERE result_quality < 4),
                       count(*) FILTER (WHERE result_quality = 3),
                       min(result) FILTER (WHERE result_quality < 4),
                       max(result) FILTER (WHERE result_quality < 4),
                       avg(result) FILTER (WHERE result_quality < 4)
                FROM observation
                WHERE datastream_id = ANY (streams) AND phenomenon_time >= since AND phenomenon_time < until
                GROUP BY 1, 2
            $sql$, unit, zone);
        END IF;
        EXECUTE format($sql$
            CREATE FUNCTION %I (streams integer[], since timestamptz, until timestamptz)
            RETURNS TABLE (
                datastream_id integer, bucket timestamptz, received_n bigint, valid_n bigint, suspect_n bigint,
                result_min double precision, result_max double precision, result_mean double precision
            ) LANGUAGE sql STABLE AS %L
        $sql$, relation || '_between', body);
    END LOOP;
END
$$;
