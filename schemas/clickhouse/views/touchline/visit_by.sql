-- Refuses what events cannot be broken down by: columns that are no texts, or hold one for
-- each event.
CREATE OR REPLACE VIEW touchline.visit_by AS
SELECT
    throwIf({by:String} NOT IN (
        'project', 'event', 'kind', 'type', 'name', 'channel', 'acquisition_channel', 'utm_source', 'utm_medium', 'utm_campaign',
        'utm_content', 'utm_term', 'source', 'protocol', 'device_type', 'os', 'browser', 'country', 'region', 'city', 'locale',
        'app_version', 'library', 'url_host', 'url_path', 'page', 'page_title', 'referrer_host', 'group_id', 'user_id',
        'anonymous_id', 'currency'), 'by: want a text column of touchpoints') = 0 AS ok
