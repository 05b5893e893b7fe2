-- Hypertables, columnstore and continuous aggregates where TimescaleDB is, plain views of the same columns where it is not.
-- depends: 0002_observations

SET lock_timeout = '4s';

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb') THEN
        -- The setting is there only where the library is preloaded; without that the extension cannot be created.
        IF current_setting('timescaledb.max_background_workers', true) IS NOT NULL THEN
            CREATE EXTENSION IF NOT EXISTS timescaledb;
        ELSE
            RAISE WARNING 'TimescaleDB is installed but not in shared_preload_libraries: plain tables are used.';
        END IF;
    END IF;
END
$$;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        PERFORM create_hypertable('observation', by_range('phenomenon_time', INTERVAL '7 days'), create_default_indexes => false);
        PERFORM create_hypertable('receipt', by_range('received_time', INTERVAL '7 days'), create_default_indexes => false);
        EXECUTE $sql$
            ALTER TABLE observation SET (
                timescaledb.enable_columnstore,
                timescaledb.segmentby = 'datastream_id',
                timescaledb.orderby = 'phenomenon_time')
        $sql$;
        -- Loggers keep 60 days and send them again after an outage: chunks stay rows until that is past.
        EXECUTE $sql$ CALL add_columnstore_policy('observation', after => INTERVAL '70 days') $sql$;
        EXECUTE $sql$
            CREATE MATERIALIZED VIEW observation_hourly
            WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
            SELECT datastream_id,
                   time_bucket(INTERVAL '1 hour', phenomenon_time) AS bucket,
                   count(*) AS received_n,
                   count(*) FILTER (WHERE result_quality < 4) AS valid_n,
                   count(*) FILTER (WHERE result_quality = 3) AS suspect_n,
                   sum(result) FILTER (WHERE result_quality < 4) AS result_sum,
                   min(result) FILTER (WHERE result_quality < 4) AS result_min,
                   max(result) FILTER (WHERE result_quality < 4) AS result_max,
                   avg(result) FILTER (WHERE result_quality < 4) AS result_mean
            FROM observation
            GROUP BY datastream_id, time_bucket(INTERVAL '1 hour', phenomenon_time)
            WITH NO DATA
        $sql$;
        EXECUTE $sql$
            CREATE MATERIALIZED VIEW observation_daily
            WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
            SELECT datastream_id,
                   time_bucket(INTERVAL '1 day', phenomenon_time, 'Asia/Ho_Chi_Minh') AS bucket,
                   count(*) AS received_n,
                   count(*) FILTER (WHERE result_quality < 4) AS valid_n,
                   count(*) FILTER (WHERE result_quality = 3) AS suspect_n,
                   sum(result) FILTER (WHERE result_quality < 4) AS result_sum,
                   min(result) FILTER (WHERE result_quality < 4) AS result_min,
                   max(result) FILTER (WHERE result_quality < 4) AS result_max,
                   avg(result) FILTER (WHERE result_quality < 4) AS result_mean
            FROM observation
            GROUP BY datastream_id, time_bucket(INTERVAL '1 day', phenomenon_time, 'Asia/Ho_Chi_Minh')
            WITH NO DATA
        $sql$;
        -- Only invalidated buckets are computed again, so a wide window costs nothing on quiet days. It covers the
        -- 400 days in which late rows are taken; a retention policy, if one is added, must keep more than that.
        PERFORM add_continuous_aggregate_policy('observation_hourly',
            start_offset => INTERVAL '401 days', end_offset => INTERVAL '1 hour', schedule_interval => INTERVAL '15 minutes');
        PERFORM add_continuous_aggregate_policy('observation_daily',
            start_offset => INTERVAL '403 days', end_offset => INTERVAL '1 day', schedule_interval => INTERVAL '15 minutes');
    ELSE
        CREATE VIEW observation_hourly AS
        SELECT datastream_id,
               date_trunc('hour', phenomenon_time, 'UTC') AS bucket,
               count(*) AS received_n,
               count(*) FILTER (WHERE result_quality < 4) AS valid_n,
               count(*) FILTER (WHERE result_quality = 3) AS suspect_n,
               sum(result) FILTER (WHERE result_quality < 4) AS result_sum,
               min(result) FILTER (WHERE result_quality < 4) AS result_min,
               max(result) FILTER (WHERE result_quality < 4) AS result_max,
               avg(result) FILTER (WHERE result_quality < 4) AS result_mean
        FROM observation
        GROUP BY datastream_id, date_trunc('hour', phenomenon_time, 'UTC');
        CREATE VIEW observation_daily AS
        SELECT datastream_id,
               date_trunc('day', phenomenon_time, 'Asia/Ho_Chi_Minh') AS bucket,
               count(*) AS received_n,
               count(*) FILTER (WHERE result_quality < 4) AS valid_n,
               count(*) FILTER (WHERE result_quality = 3) AS suspect_n,
               sum(result) FILTER (WHERE result_quality < 4) AS result_sum,
               min(result) FILTER (WHERE result_quality < 4) AS result_min,
               max(result) FILTER (WHERE result_quality < 4) AS result_max,
               avg(result) FILTER (WHERE result_quality < 4) AS result_mean
        FROM observation
        GROUP BY datastream_id, date_trunc('day', phenomenon_time, 'Asia/Ho_Chi_Minh');
    END IF;
END
$$;
