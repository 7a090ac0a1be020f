-- Writes the events of the sessions first .. first + count - 1 of a year that has
-- `sessions` sessions of `persons` persons. The same parameters write the same rows:
-- whatever varies is drawn by draw(name of the decision, number), which is between 0
-- and 1 and a function of these and of the seed.
--
-- * Sessions are numbered in the order in which they begin, so a range of them falls
--   into few days, as events do when they arrive. Most of a day's lie around noon.
-- * A tenth of the persons are regulars: two sessions of five are theirs, shared out by
--   Zipf's law (rank + 1000, so that the busiest has some six sessions a day and not
--   2,000). The others appear evenly over the year, each comes back the more rarely
--   the longer it has been there: half of the next sessions on the first day, one in
--   sixty a month later.
-- * A session is page views, in every second one a part of the chain from product_view to
--   order, some searches, sign-ups and events of forty other names. A person who put
--   something into the cart may order in a later session: of those who get beyond
--   product_view, three in ten begin with the cart.
-- * How the visit was won stands on its first event; two sessions of a hundred are bots'.
INSERT INTO touchline.touchpoints
(
    project, event, person_id, event_time, event_id, receipt_id, type, name, kind, channel, source, protocol,
    anonymous_id, user_id, session_id, day, has_original_timestamp, received_at, has_sent_at, skew_ms, time_source, ingested_at,
    url_origin, url_path, page_title, referrer_origin, acquisition_channel, utm_source, utm_medium, utm_campaign,
    device_type, os, os_version, browser, browser_version, locale, timezone, library, library_version, is_bot, bot_reasons,
    country, region, city, revenue, currency, order_id, properties, context, enrichment_version, src_topic, src_partition, src_offset
)
WITH
    (decision, n) -> cityHash64({seed:UInt64}, decision, n) / 18446744073709551616. AS draw,
    ['product_view', 'cart_add', 'checkout_start', 'payment_info', 'order'] AS chain,
    ['DE', 'US', 'FR', 'GB', 'ES', 'IT', 'NL', 'PL', 'AT', 'CH', 'SE', 'DK', 'BR', 'IN', 'JP', ''] AS countries,
    ['spring', 'summer_sale', 'newsletter', 'retargeting', 'brand', 'launch', 'referral', 'autumn'] AS campaigns,
    ['Direct', 'Organic Search', 'Paid Search', 'Organic Social', 'Paid Social', 'Email', 'Referral', 'Display'] AS acquisitions,
    ['', 'google', 'google', 'instagram', 'facebook', 'newsletter', 'partner', 'adnet'] AS sources,
    ['', '', 'cpc', '', 'paid_social', 'email', '', 'display'] AS mediums,
    ['', 'https://www.google.com', 'https://www.google.com', 'https://www.instagram.com', 'https://www.facebook.com', '', 'https://partner.example', ''] AS referrers
SELECT
    project,
    e.2 AS event,
    person_id,
    fromUnixTimestamp64Milli(ms, 'UTC') AS event_time,
    reinterpret(bitOr(bitShiftLeft(toUInt128(cityHash64({seed:UInt64}, 'event', row)), 64), toUInt128(cityHash64({seed:UInt64}, 'id', row))), 'UUID') AS event_id,
    toUUID('00000000-0000-0000-0000-000000000000') AS receipt_id,
    if(event = 'page_view', 'page', if(event = 'identify', 'identify', 'track')) AS type,
    if(event = 'page_view', concat('Page ', toString(page)), '') AS name,
    if(has(chain, event) OR event IN ('page_view', 'search', 'sign_up', 'identify'), event, 'custom') AS kind,
    if(app, 'app', 'web') AS channel,
    if(app, 'mobile app', 'website') AS source,
    'segment' AS protocol,
    concat(hex(device), '-', hex(cityHash64(device))) AS anonymous_id,
    if(person % 10 < 3, concat('user-', toString(person)), '') AS user_id,
    cityHash64({seed:UInt64}, 'session', s) AS session_id,
    toDate(event_time) AS day,
    true AS has_original_timestamp,
    fromUnixTimestamp64Milli(ms + 200 + toInt64(3000 * draw('delay', row)), 'UTC') AS received_at,
    true AS has_sent_at,
    toInt64(100 + 100 * draw('skew', row)) AS skew_ms,
    'corrected' AS time_source,
    received_at AS ingested_at,
    if(app, '', 'https://shop.example') AS url_origin,
    if(app, '', path) AS url_path,
    if(event = 'page_view' AND NOT app, concat('Page ', toString(page), ' of the shop'), '') AS page_title,
    if(e.1 = 1, referrers[won], '') AS referrer_origin,
    if(e.1 = 1, acquisitions[won], '') AS acquisition_channel,
    if(e.1 = 1, sources[won], '') AS utm_source,
    if(e.1 = 1, mediums[won], '') AS utm_medium,
    if(e.1 = 1 AND mediums[won] != '', campaigns[1 + toUInt32(8 * pow(draw('campaign', s), 2))], '') AS utm_campaign,
    if(app OR person % 5 < 2, 'mobile', if(person % 25 = 24, 'tablet', 'desktop')) AS device_type,
    if(app, ['iOS', 'Android'][1 + person % 2], ['Windows', 'macOS', 'iOS', 'Android', 'Linux'][1 + person % 5]) AS os,
    toString(10 + person % 7) AS os_version,
    if(app, '', ['Chrome', 'Safari', 'Firefox', 'Edge'][1 + toUInt32(4 * pow(draw('browser', person), 2))]) AS browser,
    if(app, '', toString(130 + intDiv(s * 12, {sessions:UInt64}) + person % 3)) AS browser_version,
    concat(lower(if(country = '', 'en', country)), '-', if(country = '', 'US', country)) AS locale,
    'Europe/Berlin' AS timezone,
    if(app, 'analytics-swift', 'analytics.js') AS library,
    if(app, '1.5.11', '2.11.1') AS library_version,
    draw('bot', s) < 0.02 AS is_bot,
    if(is_bot, ['user_agent'], []) AS bot_reasons,
    countries[1 + toUInt32(16 * pow(draw('country', person), 2))] AS country,
    if(country = '', '', concat(country, '-', toString(person % 12))) AS region,
    if(country = '', '', concat('City ', toString(person % 100))) AS city,
    if(event = 'order', toDecimal64(5 + 95 * pow(draw('revenue', row), 3), 4), toDecimal64(0, 4)) AS revenue,
    if(event = 'order', 'EUR', '') AS currency,
    if(event = 'order', concat('order-', toString(row)), '') AS order_id,
    multiIf(
        event = 'page_view', concat('{"path":"', path, '","url":"https://shop.example', path, '","title":"Page ', toString(page), ' of the shop","search":""}'),
        has(chain, event), concat('{"product_id":"sku-', toString(page), '","price":', toString(page % 90), '.5,"quantity":1,"plan":"', ['free', 'pro', 'team'][1 + person % 3], '"}'),
        concat('{"label":"', toString(page % 20), '","value":', toString(page % 7), '}')) AS properties,
    concat('{"locale":"', locale, '","timezone":"Europe/Berlin","userAgent":"Mozilla/5.0 (', os, ' ', os_version, ') ', browser, '/', browser_version,
        '","library":{"name":"', library, '","version":"', library_version, '"},"page":{"path":"', path, '","url":"https://shop.example', path, '"}}') AS context,
    1 AS enrichment_version,
    'generated' AS src_topic,
    toUInt16(person % 12) AS src_partition,
    row AS src_offset
FROM
(
    SELECT
        s, project, person, person_id, app, won,
        cityHash64({seed:UInt64}, 'device', person) AS device,
        s * 64 + e.1 AS row,
        began + e.3 AS ms,
        -- Half of the views are of the thirty busiest pages of two thousand.
        toUInt32(pow(2000, draw('page', row))) AS page,
        concat(['/p/', '/c/', '/blog/'][1 + page % 3], toString(page)) AS path,
        arrayJoin(arrayZip(arrayEnumerate(names), names, arrayCumSum(pauses))) AS e
    FROM
    (
        SELECT
            number AS s,
            if(draw('project', s) < 0.94, 'shop', if(draw('project', s) < 0.97, 'app', 'docs')) AS project,
            intDiv({persons:UInt64}, 10) AS regulars,
            intDiv(({persons:UInt64} - regulars) * s, {sessions:UInt64}) AS newest,
            if(draw('regular', s) < 0.4,
                toUInt64(1000 * (pow(regulars / 1000 + 1, draw('rank', s)) - 1)),
                regulars + newest - toUInt64(50 * (pow(newest / 50 + 1, draw('age', s)) - 1))) AS person,
            cityHash64({seed:UInt64}, 'person', project, person) AS person_id,
            person % 4 = 3 AS app,
            1 + toUInt32(8 * pow(draw('won', s), 1.5)) AS won,
            -- 365 days of 86,400,000 ms.
            toUnixTimestamp64Milli({from:DateTime64(3, 'UTC')}) + 86400000 * toInt64(intDiv(s * 365, {sessions:UInt64}))
                + toInt64(28800000 * (draw('time', s) + draw('hour', s) + draw('minute', s))) AS began,
            least(30, 1 + toUInt32(-3 * log(1 - draw('views', s)))) AS views,
            draw('depth', s) AS d,
            multiIf(d < 0.05, 5, d < 0.065, 4, d < 0.1, 3, d < 0.2, 2, d < 0.55, 1, 0) AS depth,
            if(depth > 1 AND draw('begin', s) < 0.3, 2, 1) AS begin,
            arrayConcat(
                arrayWithConstant(views - intDiv(views, 2), 'page_view'),
                if(draw('search', s) < 0.15, ['search'], []),
                arraySlice(chain, begin, depth - begin + 1),
                if(draw('sign_up', s) < 0.04, ['sign_up', 'identify'], []),
                arrayWithConstant(intDiv(views, 2), 'page_view'),
                arrayMap(k -> concat('feature_', toString(toUInt32(pow(40, draw('feature', s * 16 + k))))),
                    range(least(10, toUInt32(-1.2 * log(1 - draw('features', s))))))
            ) AS names,
            arrayMap(k -> if(k = 1, 0, toInt64(1000 - 40000 * log(1 - draw('pause', s * 64 + k)))), arrayEnumerate(names)) AS pauses
        FROM numbers({first:UInt64}, {count:UInt64})
    )
)
