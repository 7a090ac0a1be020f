-- Refuses what sessions cannot be broken down by.
CREATE OR REPLACE VIEW touchline.visit_session_by AS
SELECT
    throwIf({by:String} NOT IN (
        'project', 'acquisition_channel', 'utm_source', 'utm_medium', 'utm_campaign', 'referrer_host', 'entry_host', 'entry_page',
        'exit_page', 'device_type', 'os', 'browser', 'country', 'visitor'), 'by: want acquisition_channel, country, ... or project') = 0 AS ok
